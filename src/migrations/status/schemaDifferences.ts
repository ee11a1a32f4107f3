/** One object of a schema, as table `public.house` or column `public.house.address`. */
export interface SchemaObject {
  /** `table`, `column`, `constraint`, `index`, `view`, `function` and the like. */
  readonly kind: string;
  readonly name: string;
  readonly definition: string;
}

/** An object that a schema lacks, has beside what it should have, or has otherwise. */
export interface SchemaDifference {
  readonly kind: string;
  readonly name: string;
  readonly is: 'missing' | 'extra' | 'different';
  /** The definition of an object that is otherwise, in PostgreSQL's words; of a function its name only. */
  readonly expected?: string;
  readonly actual?: string;
}

/** How `actual` differs from `expected`, by kind and name. */
export function schemaDifferences(
  expected: readonly SchemaObject[],
  actual: readonly SchemaObject[],
): SchemaDifference[] {
  const [wanted, found] = [byName(expected), byName(actual)];
  const keys = [...new Set([...wanted.keys(), ...found.keys()])].sort();
  return keys.flatMap((key) => difference(wanted.get(key), found.get(key)));
}

function byName(objects: readonly SchemaObject[]): ReadonlyMap<string, SchemaObject> {
  return new Map(objects.map((object) => [`${object.kind}\n${object.name}`, object]));
}

function difference(expected: SchemaObject | undefined, actual: SchemaObject | undefined): SchemaDifference[] {
  if (expected === undefined || actual === undefined) {
    const { kind, name } = (expected ?? actual) as SchemaObject;
    return [{ kind, name, is: actual === undefined ? 'missing' : 'extra' }];
  }
  if (expected.definition === actual.definition) {
    return [];
  }
  const { kind, name } = expected;
  const of = { kind, name, is: 'different' } as const;
  // The body of a function is long, and the place where people put what should not be read elsewhere.
  return [kind === 'function' ? of : { ...of, expected: expected.definition, actual: actual.definition }];
}
