#!/usr/bin/env python3
"""generate.py WHAT calls.tab - from the table of calls to C, on standard output.

WHAT is `names` (their numbers), `table` (what is said of them), `tellers` (what their arguments are told by), their `prototypes`,
`wrappers`, or `system_calls` (from `#define __NR_read 0` on standard input). The trap it exists for: a hundred wrappers written
by hand, of which one differs."""
import re
import sys

# Parameters that are told, by their names, in the order of the call; the longest match counts. tell.h has a tell_ of each.
TOLD = [("vectors", "count"), ("messages", "count"), ("fds", "count"), ("address", "len"), ("bytes", "times"), ("times", "bytes"),
        ("absolute", "timespec"), ("fd",), ("from_fd",), ("to_fd",), ("file",), ("path",), ("to_path",), ("text",), ("host",),
        ("service",), ("command",), ("bytes",), ("message",), ("ms",), ("us",), ("s",), ("timespec",), ("timeval",), ("until",),
        ("pid",), ("number",), ("request",), ("object",), ("lock_how",), ("lock_command",), ("fcntl_command",), ("flags_wait",),
        ("flags_now",), ("flags_ipc",), ("count_operations",)]
# Those by which a call that did not sleep shows whether it might have: tell.h has a waits_ of each.
WAITS = ["fd", "from_fd", "to_fd", "lock_how", "lock_command", "fcntl_command", "flags_wait", "flags_now", "flags_ipc"]


class Entry:
    """A line of the table: name, told (the name it is told by), and what its notes say."""

    def __init__(self, line, kind):
        self.kind = kind
        self.prototype, *notes = [part.strip() for part in line.split(";")]
        self.notes = dict((note.split(None, 1) + [""])[:2] for note in notes)
        self.name = re.search(r"(\w+)\(", self.prototype).group(1)
        self.told = self.notes.get("is", self.name)
        self.also = self.notes.get("also", "").split()
        head, inner = self.prototype.split(self.name + "(", 1)
        self.type = head.strip()
        self.fixed, *self.variable = [parameters(part) for part in re.split(r",? *\.\.\. *", inner[:-1])]
        self.variable = self.variable[0] if self.variable and self.variable[0] else []
        self.is_variadic = "..." in inner

    def declaration(self, name):
        return self.prototype.replace(self.name + "(", name + "(", 1) if not self.variable else \
            self.prototype.split(" ... ")[0].replace(self.name + "(", name + "(", 1) + " ...)"

    def told_parameters(self):
        """[(names, expressions)] of what is told, in order."""
        names = [name for _, name in self.fixed + self.variable]
        told, i = [], 0
        while i < len(names):
            match = next((group for group in TOLD if tuple(names[i:i + len(group)]) == group), None)
            if match:
                told.append((match, ["(long)" + name for name in match]))
            i += len(match or (0,))
        stream = self.notes.get("on")
        return told + ([(("file",), ["(long)" + stream])] if stream else [])

    def teller(self):
        names = [name for group, _ in self.told_parameters() for name in group]
        return "_".join(["tell"] + names) if names else "NULL"


def parameters(text):
    """[(declaration, name)] of a parameter list."""
    if text.strip() in ("void", ""):
        return []
    parts = re.split(r",\s*(?![^(]*\))", text)
    return [(part, next(filter(None, re.search(r"\(\*(\w+)\)|(\w+)(?:\[\])?$", part).groups()))) for part in parts]


def read_table(path):
    kinds, entries = [], []
    for n, line in enumerate(open(path, encoding="utf-8"), 1):
        line = line.rstrip()
        if not line or line.startswith("#"):
            continue
        if line.startswith(" "):
            entries.append(Entry(line, kinds[-1]))
            continue
        match = re.fullmatch(r"(\w+)( could)?: (.+)", line)
        if not match:
            sys.exit(f"{path}:{n}: this begins no kind: write `FAMILY: ADVICE`, or indent an entry.")
        kinds.append((match.group(1), bool(match.group(2)), match.group(3)))
    return entries


def told_names(entries):
    """Each name that is told, once, and the entry that it has its kind from; numbered from 1."""
    first = {}
    for entry in entries:
        first.setdefault(entry.told, entry)
    return first


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def guarded(name, lines):
    yield f"#ifndef {name}"
    yield f"#define {name}"
    yield from lines
    yield "#endif"


def say_names(entries):
    yield from guarded("EDDY_GRADER_BLOCKING_CALLS_NAMES_H", names(entries))


def names(entries):
    yield "enum {"
    yield from (f"    CALL_{name} = {n}," for n, name in enumerate(told_names(entries), 1))
    yield f"    CALL_COUNT = {len(told_names(entries)) + 1}"
    yield "};"


def say_table(entries):
    yield "static const struct call_kind kinds[CALL_COUNT] = {"
    for name, entry in told_names(entries).items():
        family, _, advice = entry.kind
        yield f"    [CALL_{name}] = {{ {quoted(name)}, {quoted(family)}, {quoted(advice)} }},"
    yield "};"


def say_system_calls(_):
    yield "static const char *const system_calls[] = {"
    for line in sys.stdin:
        match = re.match(r"#define __NR_(\w+) (\d+)$", line)
        if match:
            yield f"    [{match.group(2)}] = {quoted(match.group(1))},"
    yield "};"


def sequences(entries):
    """[(the teller's name, groups of names)]: what is told together."""
    found = {e.teller(): [group for group, _ in e.told_parameters()] for e in entries}
    found.pop("NULL", None)
    return sorted(found.items())


def say_prototypes(entries):
    yield '#include "grader/blocking/inside/wrap.h"\n'
    yield from guarded("EDDY_GRADER_BLOCKING_CALLS_TELL_H", (f"call_tell {name};" for name, _ in sequences(entries)))


def say_tellers(entries):
    """The functions of type call_tell, one a sequence of told parameters, and which calls might have slept."""
    yield '#include "grader/blocking/inside/tell.h"\n'
    for name, groups in sequences(entries):
        yield f"void {name}(char text[JOURNAL_TEXT], const long *arguments)"
        yield "{"
        yield "    struct saying saying = { .text = text };"
        i = 0
        for group in groups:
            yield f"    say_{'_'.join(group)}(&saying, {', '.join(f'arguments[{i + n}]' for n in range(len(group)))});"
            i += len(group)
        yield "}"
        yield ""
    yield "bool call_could_block(int number, const long *arguments)"
    yield "{"
    yield "    switch (number) {"
    for name, entry in told_names(entries).items():
        if entry.kind[1]:
            yield f"    case CALL_{name}:"
            yield f"        return {could_block(entry)};"
    yield "    }"
    yield "    return false;"
    yield "}"


def could_block(entry):
    names = [name for group, _ in entry.told_parameters() for name in group]
    checks = [f"waits_{name}(arguments[{i}])" for i, name in enumerate(names)
              if name in WAITS and not (name.endswith("fd") and entry.kind[0] not in ("descriptor", "ipc"))]
    return " && ".join(["arguments"] + checks) if checks else "true"


def say_wrapper(e):
    call_arguments = [name for _, name in e.fixed + e.variable]
    by = e.notes.get("by")
    real_name = by or e.name
    yield f"{e.declaration('wrap_' + e.name)} __asm__(\"{e.name}\");"
    yield f"WRAPPER {e.declaration('wrap_' + e.name)}"
    yield "{"
    pointer = e.declaration("(*real)")
    yield f"    static {pointer.replace('...', 'va_list') if by else pointer};"
    yield "    struct call call;"
    yield "    if (!real)"
    yield f"        real_find(&real, \"{real_name}\");"
    if "needs" in e.notes:
        yield "    if (!real)"
        yield "        return -ENOSYS;"
    if e.is_variadic:
        yield "    va_list list;"
        yield f"    va_start(list, {e.fixed[-1][1]});"
        for declaration, name in e.variable:
            yield f"    {declaration} = va_arg(list, {declaration[:-len(name)].strip()});"
        if not by:
            yield "    va_end(list);"
        else:
            call_arguments.append("list")
    if "first" in e.notes:
        yield f"    {e.notes['first']};"
    if "taken" in e.notes:
        condition, result = e.notes["taken"].rsplit(" = ", 1)
        yield f"    if ({condition}) {{"
        if by:
            yield "        va_end(list);"
        yield f"        return {result};"
        yield "    }"
    call = f"real({', '.join(call_arguments)})"
    if "waits" in e.notes:
        yield "    struct wait wait;"
        yield "    if (wait_enter(&wait, WAIT_URING, -1)) {"
        yield f"        {e.type} result = {call};"
        yield "        wait_leave(&wait, result >= 0);"
        yield "        return result;"
        yield "    }"
    yield from say_call(e, call, bool(by))
    yield "}"
    for other in e.also:
        yield f"extern __typeof(wrap_{e.name}) wrap_{e.name}_as_{other} __asm__(\"{other}\") " \
              f"__attribute__((alias(\"{e.name}\"), visibility(\"default\")));"
    yield ""


def say_call(e, call, has_list):
    """The real call between call_enter and call_leave; a va_list ends on both ways."""
    arguments = [expression for _, expressions in e.told_parameters() for expression in expressions]
    told = f"(const long[]){{ {', '.join(arguments)} }}" if arguments else "NULL"
    is_void = e.type == "void"
    keep = "" if is_void else f"{e.type}{'' if e.type.endswith('*') else ' '}result = "
    end = ["    va_end(list);"] if has_list else []
    if not has_list:
        yield f"    if (!call_enter(&call, CALL_{e.told}))"
        yield f"        return {'(void)' if is_void else ''}{call};"
    else:
        yield f"    bool watched = call_enter(&call, CALL_{e.told});"
    yield f"    {keep}{call};"
    yield from end
    shift = "    "
    if has_list:
        yield "    if (watched) {"
        shift = "        "
    yield f"{shift}if (call_moved(&call))"
    yield f"{shift}    call_slept(&call, {e.teller()}, {told});"
    yield f"{shift}call_leave(&call);"
    if has_list:
        yield "    }"
    if not is_void:
        yield "    return result;"


def say_wrappers(entries):
    yield '#include "grader/blocking/inside/wrappers.h"\n'
    for entry in entries:
        if "elsewhere" not in entry.notes:
            yield from say_wrapper(entry)


def main():
    sayings = {"names": say_names, "table": say_table, "prototypes": say_prototypes, "tellers": say_tellers,
               "wrappers": say_wrappers, "system_calls": say_system_calls}
    if len(sys.argv) != 3 or sys.argv[1] not in sayings:
        sys.exit(f"generate.py: say what is to be made, and from what: generate.py {'|'.join(sayings)} calls.tab")
    print(f"/* Made from calls.tab by generate.py: {sys.argv[1]}. */")
    for line in sayings[sys.argv[1]](read_table(sys.argv[2])):
        print(line)


if __name__ == "__main__":
    main()
