export default async function globalTeardown() {
  await globalThis.tenancyPostgres?.stop();
}
