import '../../unit/migrations/KeyedQueue.test.ts';
import '../../unit/migrations/advisoryLock.test.ts';
import '../../integration/migrations/advisoryLock.test.ts';
import '../../integration/provisioning/nameLock.test.ts';
