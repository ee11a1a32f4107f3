import { describe, expect, it } from '@jest/globals';
import { readConfig } from '../config.ts';

describe('the configuration', () => {
  it('has a default for everything, also where variables are empty', () => {
    const defaults = readConfig({});
    expect(defaults).toMatchObject({ port: 3000, host: '127.0.0.1', baseDomain: 'localhost', databaseUrl: undefined });
    expect(defaults.operators).toBeUndefined();
    expect(readConfig({ PORT: '', HOST: '', BASE_DOMAIN: '', DATABASE_URL: '', DATA_DIR: '' })).toEqual(defaults);
  });

  it('takes what is set', () => {
    const databaseUrl = 'postgresql://app:secret@db.internal:5432/postgres';
    const config = readConfig({ PORT: '80', HOST: '::', BASE_DOMAIN: 'houses.example.com', DATABASE_URL: databaseUrl });
    expect(config).toMatchObject({ port: 80, host: '::', baseDomain: 'houses.example.com', databaseUrl });
  });

  it('opens pages for operators where both their port and their password are set', () => {
    const [OPERATORS_PORT, OPERATORS_PASSWORD] = ['9464', 'a secret of operators'];
    expect(readConfig({ OPERATORS_PORT, OPERATORS_PASSWORD }).operators).toEqual({
      port: 9464,
      password: OPERATORS_PASSWORD,
    });
    for (const half of [{ OPERATORS_PORT }, { OPERATORS_PASSWORD }]) {
      expect(() => readConfig(half)).toThrow(/^OPERATORS_PORT and OPERATORS_PASSWORD must (?!.*secret)/);
    }
    expect(() => readConfig({ OPERATORS_PORT, OPERATORS_PASSWORD: 'secret' })).toThrow(
      /^OPERATORS_PASSWORD must (?!.*secret)/,
    );
  });

  it.each([
    ['PORT', '65536'],
    ['OPERATORS_PORT', 'x'],
    ['PORT', '3000x'],
    ['BASE_DOMAIN', 'Example.com'],
    ['BASE_DOMAIN', 'example.com:3000'],
    ['DATABASE_URL', 'mysql://app:secret@db/'],
    ['DATABASE_URL', 'app:secret@db'],
  ])('refuses %s=%s, and repeats no secret', (name, value) => {
    expect(() => readConfig({ [name]: value })).toThrow(new RegExp(`^${name} must (?!.*secret)`));
  });
});
