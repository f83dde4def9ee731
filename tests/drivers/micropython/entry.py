"""Runs plain test functions of modules and tells of each in one line. Runs on MicroPython; no pytest."""

import json
import sys


def run(names):
    """(how many ran, how many failed); prints one JSON list a test: module, function, error or ""."""
    total = bad = 0
    for name in names:
        try:
            __import__(name)
            module = sys.modules[name]
        except Exception as err:  # a module that cannot be read is a failure, with its reason, and the next one runs
            tell(name, "", err)
            total, bad = total + 1, bad + 1
            continue
        for key in sorted(dir(module)):
            if key.startswith("test_"):
                total += 1
                bad += not passes(name, key, getattr(module, key))
    return total, bad


def passes(name, key, function):
    try:
        function()
    except Exception as err:  # whatever a test raises is its failure
        tell(name, key, err)
        return False
    tell(name, key, None)
    return True


def tell(name, key, err):
    said = ""
    if err is not None:
        said = "%s: %s" % (type(err).__name__, err)
        sys.print_exception(err)
    print(json.dumps([name, key, said]))
