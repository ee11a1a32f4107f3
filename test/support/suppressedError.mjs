// What the transform puts in place of `await using` names `_SuppressedError`, which it does not define (@swc/core 1.16.22):
// where a block fails and what it used cannot be disposed of either, both errors would be lost to a ReferenceError.
globalThis._SuppressedError = function bothErrors(error, suppressed) {
  return new AggregateError([suppressed, error], 'A block failed, and so did disposing of what it used.');
};
