import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as core from '@mikro-orm/core';
import * as migrations from '@mikro-orm/migrations';
import * as postgresql from '@mikro-orm/postgresql';
import * as kysely from 'kysely';
import libsql from 'libsql';
import * as mysql2 from 'mysql2';
import pg from 'pg';
import Cursor from 'pg-cursor';
import { ROOT } from '../support/docs.ts';

/** The packages whose insides we lean on, and a database for the clauses that need a real one. */
export interface Peers {
  readonly core: typeof core;
  readonly postgresql: typeof postgresql;
  readonly migrations: typeof migrations;
  readonly kysely: typeof kysely;
  readonly libsql: typeof libsql;
  readonly mysql2: typeof mysql2;
  readonly pg: typeof pg;
  readonly Cursor: typeof Cursor;
  readonly databaseUrl: string;
}

export type PeerName =
  | '@mikro-orm/core'
  | '@mikro-orm/postgresql'
  | '@mikro-orm/migrations'
  | 'kysely'
  | 'libsql'
  | 'mysql2'
  | 'pg'
  | 'pg-cursor';

/** Something that a package does without promising it, and that we could not do without. */
export interface Clause {
  readonly of: PeerName;
  /** What holds, as a sentence without its full stop. */
  readonly holds: string;
  /** Files in `src`. */
  readonly reliedOnBy: readonly string[];
  /** What they could not do otherwise: goes on after "rely on it to". */
  readonly to: string;
  /** Throws or rejects with what is otherwise now. */
  readonly check: (peers: Peers) => void | Promise<void>;
}

export function peersAt(databaseUrl: string): Peers {
  return { core, postgresql, migrations, kysely, libsql, mysql2, pg, Cursor, databaseUrl };
}

/** Says of each clause that does not hold what changed, and what of ours relies on it. */
export async function breachesOf(clauses: readonly Clause[], peers: Peers): Promise<string[]> {
  const breaches: string[] = [];
  for (const clause of clauses) {
    try {
      await clause.check(peers);
    } catch (error) {
      breaches.push(breachOf(clause, error));
    }
  }
  return breaches;
}

function breachOf({ of, holds, reliedOnBy, to }: Clause, error: unknown): string {
  const why = error instanceof Error ? error.message : String(error);
  const files = reliedOnBy.map((file) => `src/${file}`).join(', ');
  const verb = reliedOnBy.length === 1 ? 'relies' : 'rely';
  return `${of} ${versionOf(of)}: it is no longer so that ${holds} (${why}). ${files} ${verb} on it to ${to}.`;
}

function versionOf(name: PeerName): string {
  const manifest = readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { readonly version: string }).version;
}

export function expectThat(holds: boolean, otherwise: string): void {
  if (!holds) {
    throw new Error(otherwise);
  }
}

/** Throws for a name that nobody has looked at, and for one that is gone. */
export function expectNames(
  what: string,
  actual: Iterable<string>,
  known: string,
  needed: readonly string[] = [],
): void {
  const [all, ours] = [new Set(actual), new Set(known.trim().split(/\s+/))];
  const gone = needed.filter((name) => !all.has(name));
  expectThat(gone.length === 0, `${what} has no ${gone.join(', ')} any more`);
  const added = [...all].filter((name) => !ours.has(name) && !needed.includes(name));
  expectThat(added.length === 0, `${what} has ${added.join(', ')}, which nobody has looked at`);
}

/** The names of a class's members, with those of its bases. */
export function membersOf(Class: { readonly prototype: object }): string[] {
  const names = new Set<string>();
  for (let at = Class.prototype; at !== Object.prototype; at = Object.getPrototypeOf(at) as object) {
    for (const name of Object.getOwnPropertyNames(at)) {
      names.add(name);
    }
  }
  return [...names];
}
