"""The house stays as it is built: names once, files and functions short, no circle."""

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import deuterium

PACKAGE = Path(deuterium.__file__).parent
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
LARGEST_ROOM = 0.25  # of the lines of the package
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def module_of(path):
    parts = ["deuterium", *path.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(p): p for p in sorted(PACKAGE.rglob("*.py"))}


@cache
def tree_of(module):
    return ast.parse(MODULES[module].read_text())


def more_than_once(named):
    """Return the names under which several places are entered."""
    return {name: places for name, places in named.items() if len(places) > 1}


def test_a_bare_file_name_says_what_it_is():
    named = defaultdict(list)
    for module, path in MODULES.items():
        if path.name not in ("__init__.py", "__main__.py"):
            named[path.stem].append(module)
    assert not more_than_once(named)


def test_no_two_classes_have_one_name():
    named = defaultdict(list)
    for module in MODULES:
        for n in ast.walk(tree_of(module)):
            if isinstance(n, ast.ClassDef):
                named[n.name].append(f"{module}:{n.lineno}")
    assert not more_than_once(named)


def length_of(function):
    """Return the lines of a function, without its docstring: documenting is free."""
    first, lines = function.body[0], function.end_lineno - function.lineno + 1
    if ast.get_docstring(function):
        lines -= first.end_lineno - first.lineno + 1
    return lines


def test_files_and_functions_are_short():
    lengths = {m: path.read_text().count("\n") for m, path in MODULES.items()}
    assert not {m: n for m, n in lengths.items() if n > LONGEST_FILE}
    lengths = {
        (m, n.name): length_of(n)
        for m in MODULES
        for n in ast.walk(tree_of(m))
        if isinstance(n, FUNCTIONS)
    }
    assert not {name: n for name, n in lengths.items() if n > LONGEST_FUNCTION}


def test_no_room_is_a_house():
    sizes = defaultdict(int)
    for path in MODULES.values():
        room, *_ = path.relative_to(PACKAGE).parts
        sizes[room] += path.read_text().count("\n")
    most = LARGEST_ROOM * sum(sizes.values())
    assert not {room: n for room, n in sizes.items() if n > most}


def test_every_module_says_what_is_in_it():
    assert not [m for m in MODULES if not ast.get_docstring(tree_of(m))]


def is_numeric(value):
    """Whether an expression is made of numbers."""
    if isinstance(value, ast.Constant):
        return type(value.value) in (int, float)
    parts = [n for n in ast.iter_child_nodes(value) if isinstance(n, ast.expr)]
    if isinstance(value, ast.Call):
        parts = value.args
    elif isinstance(value, ast.BinOp):
        return any(map(is_numeric, parts))
    return bool(parts) and all(map(is_numeric, parts))


def numeric_constants(module):
    """Yield the upper-case numbers of a module, and what comes after each."""
    body = tree_of(module).body
    for statement, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value:
            of = [
                getattr(statement, "target", None),
                *getattr(statement, "targets", ()),
            ]
            names = [n.id for t in of if t for n in ast.walk(t) if hasattr(n, "id")]
            if all(n.isupper() for n in names) and is_numeric(statement.value):
                yield names, statement, after


def test_every_constant_has_its_reason():
    silent = []
    for module, path in MODULES.items():
        lines = path.read_text().splitlines()
        for names, statement, after in numeric_constants(module):
            own = lines[statement.lineno - 1 : statement.end_lineno]
            above = lines[statement.lineno - 2].startswith("#")
            below = isinstance(getattr(after, "value", None), ast.Constant)
            if not (above or below or any("# " in line for line in own)):
                silent.append((module, *names))
    assert not silent, "say in a comment what these count, and why so many"


def is_for_types_only(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def imports_of(node):
    """Yield the import statements of a tree, those inside functions too."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child
        elif not is_for_types_only(child):
            yield from imports_of(child)


def nearest(name):
    """Return the module that a dotted name is, or is found in; "" if none is ours."""
    while name and name not in MODULES:
        name = name.rpartition(".")[0]
    return name


def imported_by(module):
    """Return the modules of the package that a module imports, at once or later."""
    found = set()
    for n in imports_of(tree_of(module)):
        if isinstance(n, ast.Import):
            found |= {nearest(a.name) for a in n.names}
        else:
            assert n.level == 0, f"{module} imports relative to itself"
            found |= {nearest(f"{n.module}.{a.name}") for a in n.names}
    return found - {"", module}


def test_no_modules_import_each_other_in_a_circle():
    left = {m: imported_by(m) for m in MODULES}
    while True:  # take away what imports nothing that is left, and what nobody imports
        wanted = set().union(*left.values())
        loose = {m for m, below in left.items() if not below or m not in wanted}
        if not loose:
            break
        left = {m: below - loose for m, below in left.items() if m not in loose}
    assert not left, "these modules are in, or between, circles of imports"
