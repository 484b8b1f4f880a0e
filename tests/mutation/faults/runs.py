"""Faults planted in what keeps a run: each must make a test fail."""

ARGUMENTS = "training/arguments.py"
CHECKPOINT = "training/checkpoint.py"
COMMAND = "training/command_line.py"
DESCRIPTION = "training/description.py"
DURABLE = "training/durable.py"
FILES = "training/run_files.py"
NESTED = "training/nested.py"
RANDOM = "training/random_state.py"
STATE = "training/run_state.py"

TESTS = [
    "tests/training/test_nested.py",
    "tests/training/test_checkpoint.py",
    "tests/training/test_run_state.py",
    "tests/training/test_command_line.py",
    "tests/training/test_interrupted_command.py",
]

FAULTS = [
    (
        NESTED,
        'return items if isinstance(value, list) else {"tuple": items}',
        "return items",
        "tuples come back as lists",
    ),
    (
        NESTED,
        'float(value) if math.isfinite(value) else {"float": str(value)}',
        "float(value)",
        "infinity written as what is no JSON",
    ),
    (
        NESTED,
        "tensor.detach().cpu().clone(",
        "tensor.detach().cpu().contiguous(",
        "what is saved changes with the weights",
    ),
    (NESTED, "while name in tensors or", "while", "equal names meet"),
    (
        NESTED,
        'or name == "__metadata__"',
        "",
        "a tensor with the name of the format's own entry",
    ),
    (
        NESTED,
        "key = (*place, tensor.shape, tensor.stride())",
        "key = place",
        "views of one memory become one",
    ),
    (
        NESTED,
        "if key in seen and tensor.numel():",
        "if False:",
        "tied weights kept twice",
    ),
    (
        RANDOM,
        'random.setstate(state["python"])',
        "pass",
        "Python's generator forgotten",
    ),
    (
        RANDOM,
        'np.random.set_state(state["numpy"])',
        "pass",
        "NumPy's generator forgotten",
    ),
    (
        RANDOM,
        'torch.set_rng_state(state["torch"])',
        "pass",
        "PyTorch's generator forgotten",
    ),
    (
        STATE,
        'trainer.batches.load_state_dict(state["batches"])',
        "pass",
        "place in the data forgotten",
    ),
    (
        STATE,
        'trainer.scaler.load_state_dict(state["scaler"])',
        "pass",
        "scale of float16 forgotten",
    ),
    (STATE, 'trainer.step = state["step"]', "pass", "schedule begins anew"),
    (
        STATE,
        "callback.load_state_dict(own[1])",
        "pass",
        "callbacks forget",
    ),
    (
        "training/parallel.py",
        'optimizer.load_state_dict(state["optimizer"])',
        "pass",
        "moments forgotten",
    ),
    (STATE, "dtype=torch.float64", "dtype=torch.float32", "history rounded"),
    (
        STATE,
        "in reversed(saved_steps(folder)):",
        "in saved_steps(folder):",
        "the oldest step is used",
    ),
    (STATE, "[: -self.keep]", "[-self.keep :]", "the newest are deleted"),
    (
        STATE,
        "if trainer.error is not None:",
        "if False:",
        "saved in the midst of a step that failed",
    ),
    (
        STATE,
        "if groups[0] != groups[1]:",
        "if False:",
        "moments of other groups",
    ),
    (
        STATE,
        "if places[0] != places[1]:",
        "if False:",
        "places in other batches",
    ),
    (
        STATE,
        "if self._failure is not None:",
        "if False:",
        "a full disk is not said at the end",
    ),
    (
        STATE,
        "self._failure, self._saved_step = None, trainer.step",
        "self._saved_step = trainer.step",
        "a failure that is over is said",
    ),
    (
        STATE,
        "if reasons and found is None:",
        "if False:",
        "a run whose saves are all damaged begins anew",
    ),
    (
        STATE,
        'path.replace(path.with_suffix(".refused"))',
        "pass",
        "what was refused counts among the newest",
    ),
    (
        STATE,
        "if saved and saved[-1] > trainer.step:",
        "if False:",
        "an earlier run is written over",
    ),
    (
        STATE,
        '_require_fit(path, trainer.model.state_dict(), state["model"])',
        "pass",
        "sizes are not compared",
    ),
    (
        STATE,
        'remove_drafts(self.folder, "step-")',
        "pass",
        "what a killed save left stays for ever",
    ),
    (
        DESCRIPTION,
        "if sha256(folder / name) != expected:",
        "if False:",
        "changed files are read",
    ),
    (
        DESCRIPTION,
        "json.dumps(whole, indent=1)",
        'json.dumps(whole, indent=1) + "\\n"',
        "a description without its last byte is read",
    ),
    (
        DESCRIPTION,
        "if hashes.keys() != files:",
        "if False:",
        "files without a hash are trusted",
    ),
    (
        DESCRIPTION,
        "if not isinstance(found.get(name), kind):",
        "if False:",
        "what a description lacks is found out later",
    ),
    (
        DESCRIPTION,
        'found.get("version") != self.version',
        "False",
        "files of another version are read",
    ),
    (
        DESCRIPTION,
        "not isinstance(found, dict) or found",
        "found",
        "a list taken for a description",
    ),
    (
        FILES,
        "if ours != found.get(name):",
        "if False:",
        "states of another kind are read",
    ),
    (
        FILES,
        "sorted(int(name) for name in names if name.isdecimal())",
        "[int(name) for name in names if name.isdecimal()][::-1]",
        "steps in the order of the file system",
    ),
    (
        DURABLE,
        "shutil.rmtree(draft, ignore_errors=True)  # gone",
        "pass  # gone",
        "drafts stay when saving fails",
    ),
    (
        DURABLE,
        "except safetensors.SafetensorError as error:",
        "except ZeroDivisionError as error:",
        "a full disk has another kind of error",
    ),
    (
        DURABLE,
        "        retired.replace(path)\n        raise",
        "        raise",
        "the earlier folder is gone when renaming fails",
    ),
    (
        CHECKPOINT,
        'DESCRIPTION.require_whole(path, {"weights.safetensors", "tokenizer.json"})',
        "pass",
        "a checkpoint that was cut short is read",
    ),
    (
        CHECKPOINT,
        'content[field.name]["class"] = type(part).__name__',
        "pass",
        "a rule among the sizes has no class",
    ),
    (
        COMMAND,
        "and saved_steps(out) and file.is_file()",
        "and file.is_file()",
        "a tokenizer without a run is used",
    ),
    (
        COMMAND,
        "step = best[0] if best else max(looks)",
        "step = max(looks)",
        "the bits of another model are printed",
    ),
    (
        COMMAND,
        'words += ["--patience", str(2 * arguments.patience)]',
        "pass",
        "the printed line does not go on",
    ),
    (
        COMMAND,
        "(out / CONFIG).replace(kept)",
        "pass",
        "the earlier settings are lost",
    ),
    (
        COMMAND,
        "self._trainer.stop(self.REASON)",
        "pass",
        "Ctrl-C does nothing",
    ),
    (
        COMMAND,
        "runtime.seed_everything(arguments.seed)",
        "runtime.seed_everything(0)",
        "seed of the weights ignored",
    ),
    (
        COMMAND,
        "save_run.require_free(trainer)",
        "pass",
        "settings of an earlier run written over",
    ),
    (
        COMMAND,
        "getattr(optimizers, arguments.optimizer)",
        "optimizers.adamw",
        "the optimiser cannot be chosen",
    ),
]
