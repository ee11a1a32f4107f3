/** Messages of a database or of a migration are nobody's promise: an address in one may hold a password. */
export function shownError(message: string): string {
  return message.replace(/\b([a-z][a-z0-9+.-]*):\/\/\S+/gi, '$1://…');
}
