"""calls_once.py - a program that makes each call of calls.tab once, with arguments that do not block it, and says what came of it.

Arguments go by the table's own types and names; calls_once.tab has those that need others, calls_once.h what they need. The trap
it exists for: a wrapper that was never called, and passes its third argument as its fourth."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../blocking"))
sys.dont_write_bytecode = True
import generate  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
# By a parameter's name; else a pointer is NULL, and a number 0.
VALUES = {"fd": "file", "from_fd": "file", "to_fd": "other", "folder": "AT_FDCWD", "to_folder": "AT_FDCWD", "path": '"here"',
          "to_path": '"there"', "buffer": "(void *)buffer", "bytes": "16", "size": "64", "room": "sizeof buffer", "times": "1",
          "vectors": "&vector", "message": "&message", "messages": "&messages", "address": "&address", "status": "(void *)buffer",
          "mode": "0600", "us": "1", "text": '"one"', "host": '"127.0.0.1"', "format": "(const void *)words", "stream": "NULL",
          "line": "&line", "timespec": "&moment", "timeval": "&instant", "until": "&past", "set": "(void *)&none",
          "alignment": "16", "request": "FIONREAD", "argument": "(void *)buffer", "uid": "-1", "gid": "-1", "own": "-1",
          "effective": "-1", "saved": "-1"}
READS = re.compile(r"^(fread|fgets|fgetc|getc|fgetw|getw|v?fscanf|__isoc99_v?fscanf|__vfscanf|__fgets|fseek|ftell)")
MUTEX = re.compile(r"^(__)?pthread_mutex_|^mtx_")
RWLOCK = re.compile(r"^(__)?pthread_rwlock_")
INCLUDE = '#include "grader/tests/blocking/calls_once.h"\n'
VARYING = {"syscall", "clone", "sbrk", "__sbrk", "ftell", "fork"}      # of which only the sign is the same from run to run

def is_pointer(declaration, name):
    return "*" in declaration or declaration.endswith("[]") or "(" in declaration or "va_list" in declaration or name == "list"


def value(entry, declaration, name):
    if name == "object":
        if MUTEX.search(entry.name):
            return "&mutex"
        if RWLOCK.search(entry.name):
            return "&rwlock"
    if name == "file":
        return "source" if READS.search(entry.name) else "sink"
    if name == "list":
        return "list"
    if name in VALUES and not (name in ("own", "size", "text", "from", "file") and "*" in declaration and name != "text"):
        return VALUES[name]
    return "NULL" if is_pointer(declaration, name) else "0"


def special():
    """{name: arguments} of calls_once.tab."""
    with open(os.path.join(HERE, "calls_once.tab"), encoding="utf-8") as table:
        return dict((line.rstrip("\n").split(None, 1) + [""])[:2] for line in table if not line.startswith("#"))


def arguments(entry, calls):
    if entry.name in calls:
        return calls[entry.name]
    return ", ".join(value(entry, declaration, name) for declaration, name in entry.fixed + entry.variable)


def say_call(entry, name, calls, out):
    """`name` is the entry's, or another of the same function."""
    function, text = "call_" + name, arguments(entry, calls)
    before = ""
    if name.startswith(("__pthread_", "__res_")):
        return f"{name}: only old programs are linked to it"
    if text.startswith("skip: "):
        return f"{name}: {text[6:]}"
    if "<- " in text:
        text, before = text.split("<- ")[0].strip(), text.split("<- ")[1] + "; "
    if name.startswith("sigwait") or name == "sigtimedwait":
        before = "raise(SIGUSR1); "
    void, pointer = entry.type == "void", entry.type.endswith("*") or entry.type == "locale_t"
    has_list = any(p == "list" for _, p in entry.fixed)
    out.append(f"{entry.declaration(function)} __asm__(\"{name}\");")
    out.append(f"static void once_{name}({'const char *unused, ...' if has_list else 'void'})\n{{")
    if has_list:
        out.append("    va_list list;\n    va_start(list, unused);")
    keep = "" if void else entry.type + " result = "
    out.append(f"    begin();\n    {before}{keep}{function}({text});\n    int error = errno;")
    if has_list:
        out.append("    va_end(list);")
    result = "0" if void else "result != NULL" if pointer else "result < 0 ? -1 : 1" if entry.name in VARYING else "(long)result"
    if entry.type in ("void *",) and not pointer:
        result = "0"
    out.append(f"    say(\"{name}\", \"{'pointer' if pointer else 'result'}\", {result}, error);\n}}")
    return None


def program(table):
    """The program's text, the names that it calls, and why others are not called."""
    out, names, skipped, calls = [INCLUDE], [], [], special()
    for entry in generate.read_table(table):
        if "needs" in entry.notes:
            skipped.append(f"{entry.name}: it is {entry.notes['needs']}'s")
            continue
        for name in [entry.name] + entry.also:
            why = say_call(entry, name, calls, out)
            if why:
                skipped.append(why)
            else:
                names.append((name, any(p == "list" for _, p in entry.fixed)))
    out.append("int main(int argc, char **argv)\n{\n    prepare();")
    out += [f"    once_{name}({chr(34) * 2 if has_list else ''});" for name, has_list in names]
    out.append("    return argc == 2 && write(atoi(argv[1]), said, said_len) == (ssize_t)said_len ? 0 : 1;\n}")
    return "\n".join(out) + "\n", [name for name, _ in names], skipped


if __name__ == "__main__":
    print(program(sys.argv[1])[0])
