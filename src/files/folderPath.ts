import { resolve } from 'node:path';
import { z } from 'zod';

/** The path of a folder, made absolute; neither a URL nor a name in memory. */
export const folderPath = z
  .string()
  .min(1)
  .refine((folder) => !folder.includes('\0') && !/^[a-z][a-z0-9+.-]+:/i.test(folder), 'must be the path of a folder')
  .transform((folder) => resolve(folder));
