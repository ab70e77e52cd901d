#!/usr/bin/env python3
"""check_tree.py - the rules of the tree that a compiler does not check, as TAP.

Layers include downward only; files and functions keep their size; headers are C++-clean and stand alone; only the door
touches the kernel; what the docs point at exists. The trap it exists for: an architecture that is only written down."""
import os, re, shutil, subprocess, sys

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))


def tree():
    """What git knows here; where it cannot say, all files but what is built."""
    listed = []
    if shutil.which("git"):
        r = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True)
        listed = r.stdout.split("\n")
    if not any(listed):
        listed = [os.path.relpath(os.path.join(d, f)) for d, _, files in os.walk(".") for f in files
                  if not re.match(r"\./(build|work|\.git)(/|$)", d)]
    return sorted(f for f in listed if f and os.path.isfile(f))


FILES = tree()
SOURCES = [f for f in FILES if f.endswith((".c", ".h", ".S"))]
TOP = {"stages", "loop", "stream", "http", "labs", "grader", "docs", "Makefile", "README.md", "LICENSE", "CONTRIBUTING.md"}
LAYERS = {"loop": {"loop"}, "stream": {"loop", "stream"}, "http": {"loop", "stream", "http"}}
DOOR = re.compile(r"loop/sys_linux(_\w+)?\.c")
KERNEL = re.compile(r"(?<![\w>.])(read|write|close|dup|dup2|pipe2?|epoll_\w+|poll|ppoll|eventfd|socketpair|shutdown|clock_gettime|"
                    r"nanosleep|usleep|malloc|calloc|realloc|free|getrandom|fork|mmap|munmap|madvise|mprotect|socket|bind|listen|accept4?|"
                    r"connect|getsockopt|setsockopt|getsockname|getpeername|getaddrinfo|unlink|fchmod|open|signalfd|sigaction|pthread_\w+|posix_spawnp?|kill|waitid|pidfd_open)\s*\(")
results = []


def text(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def rule(name, problems):
    results.append((name, list(problems)))


def code(path):
    """The file without comments and string literals, lines kept."""
    blank = lambda m: re.sub(r"[^\n]", " ", m.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text(path), flags=re.S)


def functions(path):
    """(name, first line, length) of each function, by the brace in column one that CONTRIBUTING.md asks for."""
    lines, start = text(path).split("\n"), None
    for i, line in enumerate(lines):
        if line == "{":
            start = i
        elif line == "}" and start is not None:
            yield lines[start - 1].strip()[:60], start + 1, i - start + 1
            start = None


def includes():
    for f in SOURCES:
        layer = f.split("/")[0]
        for n, line in enumerate(text(f).split("\n"), 1):
            m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not m:
                continue
            if "/" not in m.group(1):
                yield f"{f}:{n}: includes are rooted: \"{m.group(1)}\" names no folder"
            elif layer in LAYERS and m.group(1).split("/")[0] not in LAYERS[layer]:
                yield f"{f}:{n}: {layer}/ may not include {m.group(1)}"


def kernel_calls():
    for f in SOURCES:
        if not re.match(r"(loop|stream|http)/[^/]+\.c$", f) or DOOR.fullmatch(f) or "/sim" in f:
            continue
        for n, line in enumerate(code(f).split("\n"), 1):
            m = KERNEL.search(line)
            if m:
                yield f"{f}:{n}: calls {m.group(1)}: go through struct sys"


def cpp_clean():
    headers = [f for f in FILES if re.match(r"(loop|stream|http)/\w+\.h$", f)]
    for h in headers:
        r = subprocess.run(["g++", "-std=c++17", "-I.", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-x", "c++", "-"],
                           input=f'#include "{h}"\n', capture_output=True, text=True)
        if r.returncode or r.stderr:
            yield f"{h}: " + r.stderr.strip().split("\n")[0]


def doc_references():
    for f in FILES:
        if not f.endswith(".md"):
            continue
        for path, regex in re.findall(r"\{([\w./-]+):/(.+?)/\}", text(f)):
            hits = len(re.findall(regex, text(path), flags=re.M)) if os.path.exists(path) else 0
            if hits != 1:
                yield f"{f}: {{{path}:/{regex}/}} matches {hits} times; it must match once"
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text(f)):
            if not re.match(r"\w+:", target) and not os.path.exists(os.path.join(os.path.dirname(f), target)):
                yield f"{f}: links to {target}, which does not exist"


def openings():
    for f in SOURCES:
        if not text(f).lstrip().startswith("/*"):
            yield f"{f}: does not open with what it is"


def global_names():
    """A program that takes both would not link."""
    lib = "build/release/libeddy.a"
    where = {}
    if not os.path.exists(lib) or not shutil.which("nm"):
        return
    for line in subprocess.run(["nm", "-A", "-g", "--defined-only", lib], capture_output=True, text=True).stdout.split("\n"):
        if line.strip():
            where.setdefault(line.split()[-1], set()).add(line.split(":")[1])
    for name, files in sorted(where.items()):
        if len(files) > 1:
            yield f"{name} is defined in {' and '.join(sorted(files))}"


rule("the top level holds only the architecture", (f"{t} does not belong there" for t in
     sorted({f.split("/")[0] for f in FILES}) if t not in TOP and not t.startswith(".")))
rule("layers include downward only, and rooted", includes())
rule("only the door touches the kernel", kernel_calls())
rule("no file is longer than 500 lines", (f"{f}: {text(f).count(chr(10))} lines" for f in FILES
     if f.endswith((".c", ".h", ".S", ".py", ".sh")) and text(f).count("\n") > 500))
rule("no function is longer than 70 lines", (f"{f}:{n}: {name}: {length} lines" for f in SOURCES if f.endswith(".c")
     for name, n, length in functions(f) if length > 70))
rule("no line of C is wider than 130 columns", (f"{f}:{n}" for f in SOURCES
     for n, line in enumerate(text(f).split("\n"), 1) if len(line) > 130))
rule("every source opens with what it is", openings())
rule("headers stand alone and are C++-clean", cpp_clean())
rule("no name of the library is defined twice", global_names())
rule("what the docs point at exists", doc_references())
print("TAP version 13")
print(f"1..{len(results)}")
for i, (name, problems) in enumerate(results, 1):
    print(f"{'not ok' if problems else 'ok'} {i} - {name}")
    for p in problems[:20]:
        print(f"  {p}")
sys.exit(any(p for _, p in results))
