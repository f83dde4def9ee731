// The signed report, made from what the unit signed; it stays on the phone when the page's server is gone.

import { make, word } from "./words.js";

const $ = (id) => document.getElementById(id);

export function showReport({ report, signature, epoch, seq }) {
  const told = JSON.parse(report);
  facts($("report-facts"), {
    reportUnit: told.unit,
    reportBy: told.installer,
    reportFrom: told.begun.slice(0, 19).replace("T", " ") + " UTC",
    reportTo: told.ended.slice(0, 19).replace("T", " ") + " UTC",
    reportTook: word("seconds", { n: told.took_s }),
    reportMask: String(told.mask.length),
  });
  $("report-steps").replaceChildren(
    ...told.steps.map((step) => {
      const line = make("tr");
      line.dataset.state = step.state;
      line.append(
        make("th", word(`step.${step.name}`)),
        make("td", word(step.state)),
        make("td", step.ms === null ? "" : word("ms", { n: step.ms })),
      );
      line.firstChild.scope = "row";
      return line;
    }),
  );
  facts($("report-proof"), { reportRecord: `${epoch} / ${seq}`, reportSignature: signature });
}

function facts(list, rows) {
  list.replaceChildren(
    ...Object.entries(rows).flatMap(([name, value]) => [make("dt", word(name)), make("dd", value)]),
  );
}
