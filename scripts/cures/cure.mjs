/** `file` is below src/; `from` must be there, every occurrence is replaced. */
export const edit = (file, from, to) => ({ file, from, to });

/** Tests are of test/isolation, or below test/ where a folder is named. Without a trap, `trap` is '–'. */
export const cure = (trap, name, edits, ...tests) => ({ trap, name, edits: [edits].flat(), tests });
