"""The house stays as it is built: names once, files and functions short, no circle."""

import ast
import gc
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


class Facts:
    """What these tests ask of a module: a tree of all of them would fill the memory."""

    def __init__(self, module):
        text = MODULES[module].read_text()
        tree = ast.parse(text)
        nodes = list(ast.walk(tree))
        self.lines = text.count("\n")
        self.documented = bool(ast.get_docstring(tree))
        self.classes = [n.name for n in nodes if isinstance(n, ast.ClassDef)]
        functions = [n for n in nodes if isinstance(n, FUNCTIONS)]
        self.functions = [(n.name, length_of(n)) for n in functions]
        self.silent = [
            tuple(names)
            for names, statement, after in numeric_constants(tree.body)
            if not is_explained(statement, after, text.splitlines())
        ]
        self.imports = imported_by(module, tree)


@cache
def facts():
    """Return what is to be known of each module; of all at once, read once."""
    gc.disable()  # it would look at the nodes of each tree again and again
    try:
        return {module: Facts(module) for module in MODULES}
    finally:
        gc.enable()


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
    for module, known in facts().items():
        for name in known.classes:
            named[name].append(module)
    assert not more_than_once(named)


def length_of(function):
    """Return the lines of a function, without its docstring: documenting is free."""
    first, lines = function.body[0], function.end_lineno - function.lineno + 1
    if ast.get_docstring(function):
        lines -= first.end_lineno - first.lineno + 1
    return lines


def test_files_and_functions_are_short():
    for module, known in facts().items():
        assert known.lines <= LONGEST_FILE, module
        long = [name for name, lines in known.functions if lines > LONGEST_FUNCTION]
        assert not long, module


def test_no_room_is_a_house():
    sizes = defaultdict(int)
    for path in MODULES.values():
        room, *_ = path.relative_to(PACKAGE).parts
        sizes[room] += path.read_text().count("\n")
    most = LARGEST_ROOM * sum(sizes.values())
    assert not {room: n for room, n in sizes.items() if n > most}


def test_every_module_says_what_is_in_it():
    assert not [m for m, known in facts().items() if not known.documented]


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


def numeric_constants(body):
    """Yield the upper-case numbers of a module, and what comes after each."""
    for statement, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value:
            of = [
                getattr(statement, "target", None),
                *getattr(statement, "targets", ()),
            ]
            names = [n.id for t in of if t for n in ast.walk(t) if hasattr(n, "id")]
            if all(n.isupper() for n in names) and is_numeric(statement.value):
                yield names, statement, after


def is_explained(statement, after, lines):
    """Whether a comment above or beside a constant, or a text below, says why."""
    own = lines[statement.lineno - 1 : statement.end_lineno]
    above = lines[statement.lineno - 2].startswith("#")
    below = isinstance(getattr(after, "value", None), ast.Constant)
    return above or below or any("# " in line for line in own)


def test_every_constant_has_its_reason():
    silent = {m: known.silent for m, known in facts().items() if known.silent}
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


def imported_by(module, tree):
    """Return the modules of the package that a module imports, at once or later."""
    found = set()
    for n in imports_of(tree):
        if isinstance(n, ast.Import):
            found |= {nearest(a.name) for a in n.names}
        else:
            assert n.level == 0, f"{module} imports relative to itself"
            found |= {nearest(f"{n.module}.{a.name}") for a in n.names}
    return found - {"", module}


def test_no_modules_import_each_other_in_a_circle():
    left = {m: known.imports for m, known in facts().items()}
    while True:  # take away what imports nothing that is left, and what nobody imports
        wanted = set().union(*left.values())
        loose = {m for m, below in left.items() if not below or m not in wanted}
        if not loose:
            break
        left = {m: below - loose for m, below in left.items() if m not in loose}
    assert not left, "these modules are in, or between, circles of imports"
