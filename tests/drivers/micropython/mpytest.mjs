// node mpytest.mjs MICROPYTHON.mjs ROOT ENTRY [MODULE...]: runs test modules under MicroPython (WebAssembly).
// ROOT/drivers, ROOT/tests/drivers/portable and the modules (dotted names, below ROOT) are copied into its memory file
// system; ENTRY.py is what runs them. The exit code is 0 only where something ran and nothing failed: an uncaught
// exception would otherwise leave node with 0.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [micropython, root, entry, ...modules] = process.argv.slice(2);
const { loadMicroPython } = await import(pathToFileURL(micropython));
const mp = await loadMicroPython({ linebuffer: true, stdout: s => console.log(s), stderr: s => console.error(s) });

function copy(relative) {
  const from = path.join(root, relative);
  if (!fs.existsSync(from)) return;
  if (fs.statSync(from).isDirectory()) {
    for (const name of fs.readdirSync(from)) {
      if (!/^(\.|__pycache__)/.test(name)) copy(`${relative}/${name}`);
    }
  } else if (relative.endsWith('.py')) {
    mp.FS.mkdirTree(path.posix.dirname(`/p/${relative}`));
    mp.FS.writeFile(`/p/${relative}`, fs.readFileSync(from));
  }
}

copy('drivers');
copy('tests/drivers/portable');
for (const name of modules) copy(`${name.replaceAll('.', '/')}.py`);
mp.FS.writeFile('/p/entry.py', fs.readFileSync(entry));
mp.FS.chdir('/p');
let code = 1;
try {
  mp.globals.set('names', modules.join(' '));
  // sys.path without ".frozen": the port's frozen library has modules that no board has.
  mp.runPython('import sys\nsys.path[:] = ["/p"]\nimport entry\ntotal, bad = entry.run(names.split())');
  code = mp.globals.get('total') && !mp.globals.get('bad') ? 0 : 1;
} catch (error) {
  console.error(error.message);
}
process.exit(code);
