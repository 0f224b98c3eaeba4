"""Configuration files and `--set` words that cannot be used."""

from __future__ import annotations

import re
from pathlib import Path

from .case import Case

FILE = "mine.yaml"

# Name, content of the file, what the sentence names, and what it says.
FILES: list[tuple[str, str | bytes, str, str]] = [
    # Keys that do not exist, at each depth.
    ("unknown-top", "nam: a", "`nam`", "unknown key.*nearest valid key is `name`"),
    ("unknown-section", "trainings: {epochs: 3}", "`trainings`", "unknown key.*`training`"),
    ("unknown-key", "training: {epoch: 3}", "`training.epoch`", "`training.epochs`"),
    ("unknown-deep", "data: {synthetic: {vertex: 2000}}", "`data.synthetic.vertex`", "unknown key"),
    ("unknown-elsewhere", "data: {epochs: 3}", "`data.epochs`", "`training.epochs`"),
    ("unknown-in-variant", "variants: {mine: {model: {ordr: 3}}}", "`variants.mine.model.ordr`",
     "unknown key.*`variants.mine.model.order`"),
    ("unknown-far", "model: {qqqqqqqq: 1}", "`model.qqqqqqqq`", "valid keys there are latent_size"),
    ("key-with-line-end", '"na\\nme": a', "na", r"unknown key `na\\nme`"),
    ("key-with-escape", '"na\\eme": a', "na", r"unknown key `na\\x1bme`"),
    # Wrong types.
    ("type-text-for-number", "training: {epochs: many}", "`training.epochs`", "whole number"),
    ("type-quoted-number", 'training: {epochs: "3"}', "`training.epochs`", "whole number"),
    ("type-float-for-int", "training: {epochs: 2.5}", "`training.epochs`", "whole number"),
    ("type-bool-for-int", "training: {epochs: yes}", "`training.epochs`", "whole number"),
    ("type-int-for-bool", "model: {projection: 1}", "`model.projection`", "true or false"),
    ("type-text-for-bool", "model: {projection: 'no'}", "`model.projection`", "true or false"),
    ("type-date-for-number", "training: {epochs: 2020-12-05}", "`training.epochs`", "whole number"),
    ("type-list-for-number", "training: {epochs: [3]}", "`training.epochs`", "whole number"),
    ("type-number-for-list", "model: {channels: 16}", "`model.channels`", "a list"),
    ("type-number-for-section", "data: 3", "`data`", "a section with keys"),
    ("type-list-for-section", "data: [faces, 3]", "`data`", "a section with keys"),
    ("type-null-section", "data:\nname: a", "`data`", "a section with keys"),
    ("type-null-number", "model: {order: null}", "`model.order`", "whole number"),
    ("type-float-in-list", "model: {channels: [16, 16.5, 16, 32]}", "`model.channels.1`",
     "whole number"),
    ("type-norway", "name: NO", "`name`", "False, expected text"),
    ("type-number-for-name", "name: 7", "`name`", "7, expected text"),
    ("type-variant-number", "variants: {mine: 3}", "`variants.mine`", "a section with keys"),
    ("type-path-number", "data: {source: meshes, faces: null, meshes: {path: 5}}",
     "`data.meshes.path`", "text"),
    # Out of range.
    ("range-z-zero", "model: {latent_size: 0}", "`model.latent_size`", "or equal to 1"),
    ("range-z-huge", "model: {latent_size: 1000000000}", "`model.latent_size`", "less than"),
    ("range-k-zero", "local_weights: {parts: 0}", "`local_weights.parts`", "greater than or equal"),
    ("range-k-huge", "local_weights: {parts: 5000}", "`local_weights.parts`", "less than or equal"),
    ("range-order-huge", "model: {order: 1000}", "`model.order`", "less than or equal to 25"),
    ("range-order-negative", "model: {order: -6}", "`model.order`", "greater than or equal to 1"),
    ("range-channels-zero", "model: {channels: [16, 0, 16, 32]}", "`model.channels.1`", "to 1"),
    ("range-channels-huge", "model: {channels: [16, 16, 16, 99999999]}", "`model.channels.3`",
     "less than or equal"),
    ("range-factor-one", "template: {factors: [4, 4, 1, 4]}", "`template.factors.2`",
     "greater than or equal to 2"),
    ("range-factors-none", "template: {factors: []}", "`template.factors`", "at least 1 item"),
    ("range-faces-few", "data: {faces: 1}", "`data.faces`", "greater than or equal to 4"),
    ("range-faces-huge", "data: {faces: 1000000000000}", "`data.faces`", "less than or equal"),
    ("range-fraction", "data: {test_fraction: 1.0}", "`data.test_fraction`", "less than 1"),
    ("range-vertices", "data: {synthetic: {vertices: 12}}", "`data.synthetic.vertices`", "1500"),
    ("range-rate-negative", "training: {learning_rate: -1}", "`training.learning_rate`",
     "greater than 0"),
    ("range-rate-nan", "training: {learning_rate: .nan}", "`training.learning_rate`", "finite"),
    ("range-rate-overflow", "training: {learning_rate: 1e400}", "learning_rate`", "finite"),
    ("range-seed", "data: {seed: -1}", "`data.seed`", "greater than or equal to 0"),
    ("range-processes", "training: {processes: 100000}", "`training.processes`", "less than"),
    ("range-perplexity", "diversity: {perplexity: 0}", "`diversity.perplexity`", "greater than 0"),
    ("range-name-slash", "name: ../../etc/passwd", "`name`", "expected a name of the letters"),
    ("range-name-empty", "name: ''", "`name`", "expected a name of the letters"),
    ("range-name-long", f"name: {'a' * 300}", "`name`", "at most 100 characters"),
    ("choice-source", "data: {source: synthetik}", "`data.source`", "nearest is 'synthetic'"),
    ("choice-colormap", "figures: {colormap: veridis}", "colormap", "not the name of a colormap"),
    # Keys that do not go together.
    ("pair-levels", "template: {factors: [4, 4]}", "model.channels", "4 entries.*2"),
    ("pair-levels-in-variant", "variants: {mine: {model: {channels: [8]}}}", "model.channels",
     "1 entries.*4"),
    ("pair-factors-vertices", "template: {factors: [64, 64, 4, 4]}", "template.factors",
     "less than two of 2500 vertices"),
    ("pair-expressions", "data: {source: ict, ict: {expression_min: 0.9}}", "expression_min",
     "must not exceed expression_max"),
    ("pair-ages", "data: {source: makehuman, makehuman: {age_min: 90.0}}", "data.makehuman",
     "age_min must not exceed age_max"),
    ("choice-region", "data: {source: makehuman, makehuman: {region: hands}}",
     "`data.makehuman.region`", "nearest is 'hand'"),
    ("pair-no-path", "data: {source: meshes, faces: null}", "data.meshes.path", "source 'meshes'"),
    ("pair-no-model", "data: {source: aflw2000-3d}", "data.aflw2000_3d.model_dir", "needs"),
    ("pair-no-weights", "local_weights: {source: file}", "`local_weights.path`", "is needed where"),
    ("choice-weights", "local_weights: {source: nfm}", "`local_weights.source`", "nearest is"),
    ("range-blur", "local_weights: {blur: -1}", "`local_weights.blur`", "greater than or equal"),
    ("pair-sweep-of-nmf", "local_weights: {source: file, path: a.npz}\n"
     "sweep: {local_weights.sparsity: [1.0, 2.0]}", "`sweep.local_weights.sparsity`",
     "not read where `local_weights.source` is file"),
    ("pair-no-faces", "data: {faces: null}", "data.faces", "needs a number"),
    ("pair-variant-missing", "interpolation: {variants: [ful]}", "'ful'", "nearest is 'full'"),
    ("pair-run-key-in-variant", "variants: {mine: {name: b}}", "variants.mine.name", "whole run"),
    ("pair-three-ids", "interpolation: {pairs: [[a, b, c]]}", "`interpolation.pairs.0`", "2 items"),
    ("pair-no-variant", "variants: {full: null, no_cycle: null, no_local_weights: null, "
     "no_projection: null, outer: null, on_pca: null, "
     "magnitude_features: null}", "variants", "names no variant"),
    # What is not YAML, or what YAML takes silently.
    ("yaml-syntax", "data: {faces: 3", FILE, "not valid YAML.*line"),
    ("yaml-tab", "data:\n\tfaces: 3", FILE, "not valid YAML.*line 2"),
    ("yaml-indent", "data:\n  faces: 30\n seed: 1", FILE, "not valid YAML.*line 3"),
    ("yaml-twice", "training: {epochs: 3}\ndata: {faces: 30}\ntraining: {epochs: 4}", "`training`",
     r"twice \(line 3\)"),
    ("yaml-twice-deep", "training:\n  epochs: 3\n  epochs: 4", "`epochs`", r"twice \(line 3\)"),
    ("yaml-octal", "data: {faces: 0100}", "0100", "does not read as it looks"),
    ("yaml-sexagesimal", "training: {epochs: 1:30}", "1:30", "does not read as it looks"),
    ("yaml-no-date", "training: {epochs: 2020-13-45}", "2020-13-45", "no date"),
    ("yaml-huge-integer", f"data: {{faces: {'9' * 5000}}}", FILE, "no number that fits"),
    ("yaml-number-key", "1: 2", FILE, "takes for 1 and not for text"),
    ("yaml-yes-key", "data: {yes: 2}", FILE, "takes for True"),
    ("yaml-null-key", "? \n: 2", FILE, "takes for None"),
    ("yaml-list-key", "? [a]\n: b", FILE, "unhashable key"),
    ("yaml-bad-merge", "<<: 3", FILE, "not valid YAML.*merging"),
    ("yaml-unknown-alias", "name: *other", FILE, "undefined alias"),
    ("yaml-python-call", "name: !!python/object/apply:os.system [touch code_ran]", FILE,
     "could not determine a constructor"),
    ("yaml-python-new", "name: !!python/object/new:os.system [touch code_ran]", FILE, "tag"),
    ("yaml-python-name", "name: !!python/name:os.system", FILE, "constructor"),
    ("yaml-binary", "name: !!binary aGVsbG8=", "`name`", "expected text"),
    ("yaml-set", "name: !!set {a, b}", "`name`", "expected text"),
    ("yaml-list-cycle", "variants: &a [*a]", FILE, "an alias of what it stands in"),
    ("yaml-mapping-cycle", "variants: {mine: &a {model: *a}}", FILE, "alias of what it stands"),
    ("yaml-laughs", "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 40)), FILE,
     "aliases that come to more than"),
    ("yaml-deep-list", "name: " + "[" * 5000 + "]" * 5000, FILE, "nested more than 50 deep"),
    ("yaml-deep-mapping", "{a: " * 3000 + "1" + "}" * 3000, FILE, "nested more than 50 deep"),
    ("yaml-long", "#" * 2_000_000, FILE, "more than 1000000 characters"),
    ("yaml-two-documents", "name: a\n---\nname: b", FILE, "single document.*line 2"),
    ("yaml-list-at-top", "[1, 2]", FILE, "holds a list, expected keys"),
    ("yaml-text-at-top", "just words", FILE, "holds a str, expected keys"),
    ("yaml-nul", b"name: a\0b", FILE, "special characters are not allowed"),
    ("yaml-not-utf8", b"name: \xff\xfe", FILE, "not text in UTF-8"),
    ("yaml-utf16", "name: a".encode("utf-16"), FILE, "not text in UTF-8"),
    ("yaml-is-a-picture", b"\x89PNG\r\n\x1a\n" + bytes(100), FILE, "not text in UTF-8"),
]  # fmt: skip

# Name, words after `config show`, what the sentence names, and what it says.
WORDS: list[tuple[str, list[str], str, str]] = [
    ("set-no-equals", ["--set", "training.epochs"], "--set training.epochs", "not KEY=VALUE"),
    ("set-no-key", ["--set", "=3"], "--set =3", "not KEY=VALUE"),
    ("set-empty-part", ["--set", "training..epochs=3"], "training..epochs", "not KEY=VALUE"),
    ("set-not-yaml", ["--set", "model.channels=[4, 4"], "model.channels", "not valid YAML"),
    ("set-python", ["--set", "name=!!python/object/apply:os.system [touch code_ran]"], "--set name",
     "constructor"),
    ("set-unknown", ["--set", "training.epoch=3"], "`training.epoch`", "command line: unknown key"),
    ("set-type", ["--set", "training.epochs=three"], "`training.epochs`", "whole number"),
    ("set-section", ["--set", "training=3"], "`training`", "a section with keys"),
    ("set-through-value", ["--set", "training.epochs.more=3"], "`training.epochs`", "whole"),
    ("set-deep", ["--set", ".".join("a" * 2000) + "=3"], "--set a.a.a", "not KEY=VALUE"),
    ("set-levels", ["--set", "template.factors=[4]"], "template.factors", "each level needs one"),
    ("variant-unknown", ["--variant", "ful"], "--variant ful", "no such variant"),
    ("variant-path", ["--variant", "../full"], "--variant ../full", "no such variant"),
    ("file-missing", ["--config", "none.yaml"], "none.yaml", "No such file"),
    ("file-is-a-folder", ["--config", "."], ".:", "Is a directory"),
    ("file-endless", ["--config", "/dev/zero"], "/dev/zero", "more than 1000000 characters"),
]  # fmt: skip


def of_file(name: str, content: str | bytes, names: str, fault: str) -> Case:
    """Return a case of one configuration file."""

    def build(folder: Path) -> list[str]:
        data = content if isinstance(content, bytes) else content.encode()
        (folder / FILE).write_bytes(data)
        return ["config", "check", FILE]

    # A key's text is escaped where the sentence repeats it.
    return Case(f"config-{name}", "configs", build, names, f"{re.escape(FILE)}.*{fault}")


def of_words(name: str, words: list[str], names: str, fault: str) -> Case:
    """Return a case of the words of a command line."""
    return Case(
        f"config-{name}", "configs", lambda folder: ["config", "show", *words], names, fault
    )


def own_file_too(folder: Path) -> list[str]:
    """The `config.yaml` of the folder lies under the file that is named."""
    (folder / "config.yaml").write_text("training: {epoch: 3}\n")
    (folder / FILE).write_text("name: a\n")
    return ["config", "check", FILE]


def dangling_link(folder: Path) -> list[str]:
    (folder / FILE).symlink_to("nowhere.yaml")
    return ["config", "check", FILE]


def cases() -> list[Case]:
    """Return the cases of configurations."""
    return [
        *(of_file(*row) for row in FILES),
        *(of_words(*row) for row in WORDS),
        Case("config-own-file", "configs", own_file_too, "config.yaml", "unknown key"),
        Case("config-dangling-link", "configs", dangling_link, FILE, "No such file"),
    ]
