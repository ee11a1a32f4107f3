import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';

/** PostgreSQL's own (`scram_iterations`). */
const ITERATIONS = 4_096;
const SALT_BYTES = 16;

const derive = promisify(pbkdf2);

/**
 * What PostgreSQL keeps of a password, SCRAM-SHA-256 (RFC 5802, RFC 7677), made here: the password itself reaches neither
 * a statement nor a log. For passwords of ASCII characters.
 */
export async function scramVerifier(password: string, salt = randomBytes(SALT_BYTES)): Promise<string> {
  const salted = await derive(password, salt, ITERATIONS, 32, 'sha256');
  const storedKey = createHash('sha256').update(hmac(salted, 'Client Key')).digest('base64');
  const serverKey = hmac(salted, 'Server Key').toString('base64');
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
