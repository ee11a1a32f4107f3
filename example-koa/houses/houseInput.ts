import type { Context } from 'koa';
import { z } from 'zod';

const MAX_ID = 2 ** 31 - 1;

/** What PostgreSQL takes as text, and a person can read: no control characters but line ends, no half characters. */
const text = (maxCharacters: number) =>
  z
    .string()
    .trim()
    .max(maxCharacters)
    .refine((value) => value.isWellFormed() && !/[^\P{Cc}\t\r\n]/u.test(value), 'Must not hold control characters');

const address = text(200).min(1);
const description = text(2_000);

/** A whole house, for POST and PUT. */
export const wholeHouse = z.strictObject({ address, description: description.default('') });

/** Part of a house, for PATCH. */
export const partOfHouse = z.strictObject({
  address: address.exactOptional(),
  description: description.exactOptional(),
});

/** Which page of houses: at most `limit` of those after the house with the id `after`. */
export const housePage = z.strictObject({
  after: z.coerce.number().int().min(0).max(MAX_ID).default(0),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

/** What `input` is by `schema`; otherwise the request is answered with `status` and every issue. */
export function checked<T>(ctx: Context, status: 400 | 422, schema: z.ZodType<T>, input: unknown): T {
  const { success, data, error } = schema.safeParse(input);
  if (!success) {
    const issues = error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
    ctx.throw(status, 'The request is not valid.', { issues });
  }
  return data;
}

/** The id in the path. What cannot be an id is the id of no house. */
export function houseId(ctx: Context & { readonly params: Readonly<Record<string, string>> }): number {
  const id = ctx.params['id'] ?? '';
  if (!/^[1-9]\d{0,9}$/.test(id) || Number(id) > MAX_ID) {
    ctx.throw(404, 'There is no such house.');
  }
  return Number(id);
}
