import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSync } from '@swc/core';

/** A name that an entry point exports: what declares it, and what is said of it. */
/** @typedef {{ name: string, kind: string, text: string, docs: string }} Exported */

const KINDS = {
  ClassDeclaration: 'class',
  FunctionDeclaration: 'function',
  VariableDeclaration: 'value',
  TsInterfaceDeclaration: 'type',
  TsTypeAliasDeclaration: 'type',
};

/** Reads what declaration files export. TypeScript 7 has no API for programs to ask, so their syntax is read. */
export class Declarations {
  #files = new Map();

  /** @returns {Exported[]} everything that the file exports, also from other files. */
  exportsOf(file) {
    return this.#read(file).items.flatMap((item) => {
      if (item.type === 'ExportDeclaration') {
        return this.#declared(file, namesOf(item.declaration));
      }
      if (item.type !== 'ExportNamedDeclaration') {
        return [];
      }
      const from = item.source === null ? file : declarationsAt(file, item.source.value);
      return item.specifiers.flatMap(({ orig, exported }) =>
        this.#declared(from, [orig.value]).map((one) => ({ ...one, name: exported?.value ?? orig.value })),
      );
    });
  }

  /** One for each name, whose text has every overload. */
  #declared(file, names) {
    return names.map((name) => {
      const found = this.#find(file, name);
      if (found.length === 0) {
        throw new Error(`${file} declares no ${name}.`);
      }
      const [{ kind }] = found;
      return {
        name,
        kind,
        docs: found.map(({ docs }) => docs).find((docs) => docs !== '') ?? '',
        text: found.map(({ text, docs }, index) => (index > 0 ? `${commentOf(docs)}${text}` : text)).join('\n'),
      };
    });
  }

  #find(file, name) {
    const { items, textOf, docsBefore } = this.#read(file);
    const here = items.flatMap((item) => {
      const declaration = item.type === 'ExportDeclaration' ? item.declaration : item;
      return namesOf(declaration).includes(name)
        ? [{ kind: KINDS[declaration.type], text: plain(textOf(item)), docs: docsBefore(item) }]
        : [];
    });
    // It may itself come from another file.
    return here.length > 0 ? here : this.#reexported(file, name);
  }

  #reexported(file, name) {
    for (const item of this.#read(file).items) {
      const found = item.specifiers?.find(({ orig, exported }) => (exported?.value ?? orig?.value) === name);
      if (item.type === 'ExportNamedDeclaration' && item.source !== null && found !== undefined) {
        return this.#find(declarationsAt(file, item.source.value), found.orig.value);
      }
    }
    return [];
  }

  #read(file) {
    const known = this.#files.get(file);
    if (known !== undefined) {
      return known;
    }
    // The parser counts bytes over all files that it reads, from the first token on: so there is one at the beginning.
    const source = Buffer.from(`;${readFileSync(file, 'utf8')}`);
    const { body, span } = parseSync(source.toString(), { syntax: 'typescript', decorators: true });
    const textOf = (item) => source.subarray(item.span.start - span.start, item.span.end - span.start).toString();
    const docsBefore = (item) => docsOf(source.subarray(0, item.span.start - span.start).toString());
    const read = { items: body, textOf, docsBefore };
    this.#files.set(file, read);
    return read;
  }
}

function namesOf(declaration) {
  switch (declaration.type) {
    case 'ClassDeclaration':
    case 'FunctionDeclaration':
      return [declaration.identifier.value];
    case 'VariableDeclaration':
      return declaration.declarations.map(({ id }) => id.value);
    case 'TsInterfaceDeclaration':
    case 'TsTypeAliasDeclaration':
      return [declaration.id.value];
    default:
      return [];
  }
}

function declarationsAt(from, specifier) {
  return join(dirname(from), specifier.replace(/\.[jt]s$/, '.d.ts'));
}

/** The docblock that ends where the text does. */
function docsOf(before) {
  const block = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*$/.exec(before)?.[1] ?? '';
  return block
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trim())
    .join('\n')
    .trim();
}

/** Of an overload that is not the first one. */
function commentOf(docs) {
  return docs === '' ? '' : `${docs.replace(/^/gm, '// ')}\n`;
}

/** Without what is nobody else's, and what says nothing to a reader. */
function plain(text) {
  return text
    .replace(/^export /, '')
    .replace(/^declare /, '')
    .split('\n')
    .filter((line) => !/^\s+(#private;|private )/.test(line))
    .join('\n')
    .replace(/ {4}/g, '  ');
}
