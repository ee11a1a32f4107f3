import { besideRequestsCures } from './cures/besideRequests.mjs';
import { cure, edit } from './cures/cure.mjs';
import { dashboardCures } from './cures/dashboard.mjs';
import { frontDoorCures } from './cures/frontDoors.mjs';
import { mysqlCures } from './cures/mysql.mjs';

const guard = (name, from, to, ...tests) => cure(6, name, edit('context/OwnerGuard.ts', from, to), ...tests);
const claimIn = (method) =>
  guard(
    `a look at the owner in unitOfWork.${method}`,
    `      claim(this, args[0]);\n      return base.${method}.apply`,
    `      return base.${method}.apply`,
    'foreignEntities',
    'foreignSources',
  );

/** What keeps tenants apart, each as the edits that take it away and the tests that must notice. */
export const cures = [
  // 1. The same context name
  cure(
    1,
    'a context name for each ORM',
    edit('orm/OpenTenants.ts', /const contextName = `.*`;/, "const contextName = 'default';"),
    'contextNames',
  ),
  cure(1, 'a generation in the name', edit('orm/OpenTenants.ts', /#\$\{this\.#generation\}@/, '@'), 'contextNames'),
  cure(1, 'the manager in the name', edit('orm/OpenTenants.ts', /@\$\{this\.#serial\}/, ''), 'requestContext'),
  cure(
    1,
    'no global context',
    edit('orm/OrmTemplate.ts', 'allowGlobalContext: false', 'allowGlobalContext: true'),
    'contextNames',
  ),
  cure(
    1,
    'a name of its own for each central database',
    edit('central/CentralDatabase.ts', /@\$\{serial\}/, ''),
    'centralDatabase',
  ),
  // 2. RequestContext.getEntityManager()
  cure(
    2,
    'the fork under the name `default`',
    edit('context/TenantContext.ts', '.set(DEFAULT_CONTEXT, em)', ''),
    'requestContext',
  ),
  cure(
    2,
    'a context of its own inside a transaction of another',
    edit('context/TenantContext.ts', 'return transaction === undefined', 'return true'),
    'nesting',
  ),
  cure(
    2,
    "the central database's fork beside the tenant's",
    edit('context/TenantContext.ts', 'offerCentral(central);', ''),
    'centralDatabase',
  ),
  cure(
    2,
    'transactions of two databases, of which the central one is the outer',
    edit(
      'orm/guardedEntityManager.ts',
      '(this as Guarded)[STAYS_ITSELF] ? undefined : outerTransactionOf(this)',
      'undefined',
    ),
    'centralDatabase',
  ),
  cure(
    2,
    "a central database's transaction in the runs inside of it",
    edit('context/TenantContext.ts', 'keepOuterTransactions(transaction);', ''),
    'centralDatabase',
  ),
  cure(
    2,
    'forks of the central database that stay themselves',
    edit(
      'orm/guardedEntityManager.ts',
      '(this as Guarded)[STAYS_ITSELF] ? undefined : outerTransactionOf(this)',
      'outerTransactionOf(this)',
    ),
    'centralDatabase',
  ),
  // 3. The contextual EntityManager
  cure(
    3,
    "the transaction's fork",
    edit('context/contextualEntityManager.ts', 'return em.getContext(false);', 'return em;'),
    'contextualEntityManager',
    'Decorators',
  ),
  cure(
    3,
    'repositories of the contextual EntityManager',
    edit('context/contextualEntityManager.ts', 'new Repository(contextual, entity)', 'new Repository(model, entity)'),
    'contextualEntityManager',
  ),
  cure(
    3,
    'the name under which its forks are found',
    edit('context/contextualEntityManager.ts', "return 'default';", "return 'another';"),
    'requestContext',
    'Decorators',
  ),
  cure(
    3,
    'a look at whose manager it is',
    edit('context/contextualEntityManager.ts', ' || context.manager !== manager', ''),
    'requestContext',
  ),
  // 4. Shared prototypes
  cure(
    4,
    'shared metadata, and a hydrator flag for the process',
    [
      edit('orm/OrmTemplate.ts', "shareMetadata ? undefined : '`shareMetadata` is off'", "'removed'"),
      edit('orm/OrmTemplate.ts', 'hydrator: SafeHydrator,', ''),
    ],
    'sharedPrototypes',
  ),
  cure(
    4,
    'one hydrator flag for the process',
    edit('orm/SafeHydrator.ts', 'return hydrating;', 'return this.running;'),
    'sharedPrototypes',
  ),
  // 5. The hydrator after an exception
  cure(5, '`finally` in the hydrator', edit('orm/SafeHydrator.ts', 'hydrating = before;', ''), 'hydrator'),
  // 6. Entities of another tenant
  guard('the guarded unit of work', '(em.getUnitOfWork(false), guards, {', '({}, guards, {', 'foreignEntities'),
  guard(
    'a look at the owner in unitOfWork.register',
    '      claim(this, entity);\n      return base.register.call',
    '      return base.register.call',
    'foreignEntities',
    'foreignSources',
  ),
  claimIn('merge'),
  claimIn('persist'),
  claimIn('remove'),
  guard('new entities of the central database', '      assertKnown(this[DRIVER], args[0]);\n', '', 'centralDatabase'),
  guard(
    'classes of the central database',
    "if (typeof Class !== 'function' || driver.owner === undefined) {",
    'if (driver !== undefined) {',
    'centralDatabase',
  ),
  guard(
    'a look at the owner of orphans',
    '        claim(this, args[0]);\n      }\n      return base.scheduleOrphanRemoval',
    '      }\n      return base.scheduleOrphanRemoval',
    'foreignEntities',
  ),
  guard('relations without cascade where no column changes', 'of this.getIdentityMap()', 'of []', 'foreignEntities'),
  guard('relations of what is written', 'of this.getChangeSets()', 'of []', 'foreignEntities', 'foreignSources'),
  guard('relations that a hook sets late', '      checkRelations(this, changeSet.entity);\n', '', 'foreignSources'),
  guard(
    'entities in data and conditions',
    'assertOwnData(owner: EntityOwner | undefined, value: unknown): void {',
    'assertOwnData(owner: EntityOwner | undefined, value: unknown): void {\n  return;',
    'foreignEntities',
  ),
  cure(
    6,
    'streamed entities have an owner',
    edit('orm/guardedEntityManager.ts', 'claimGraph(ownerOf(this), entity);\n      yield entity;', 'yield entity;'),
    'foreignSources',
  ),
  cure(
    6,
    'created entities have an owner',
    edit('orm/guardedEntityManager.ts', 'claimGraph(ownerOf(this), entity);\n    return entity;', 'return entity;'),
    'foreignSources',
  ),
  cure(
    6,
    'the guarded QueryBuilder',
    edit(
      'orm/guardedEntityManager.ts',
      'return guardQueryBuilder(queryBuilder, ownerOf(this));',
      'return queryBuilder;',
    ),
    'foreignEntities',
  ),
  cure(
    6,
    'guarded copies of a QueryBuilder',
    edit('orm/guardedQueryBuilder.ts', 'return guardQueryBuilder(clone, this[OWNER]);', 'return clone;'),
    'foreignEntities',
  ),
  cure(
    6,
    'one owner for all generations of a tenant',
    edit('orm/OpenTenants.ts', 'this.#owners.set(tenant.id, owner);', ''),
    'foreignEntities',
  ),
  // 7. The result cache
  cure(
    7,
    'keys with the name of the database',
    edit('orm/TenantResultCache.ts', /this\.#prefix = `.*`;/, "this.#prefix = '';"),
    'resultCache',
  ),
  cure(
    7,
    'a shared adapter that no tenant closes',
    edit('orm/TenantResultCache.ts', 'close(): void {}', 'close(): void { void this.#shared.close?.(); }'),
    'resultCache',
  ),
  cure(
    7,
    'a shared adapter that no tenant empties',
    edit('orm/TenantResultCache.ts', 'clear(): never {', 'clear() {\n    if (this) return this.#shared.clear();'),
    'resultCache',
  ),
  // 8. Subscribers
  cure(
    8,
    'subscribers as classes only',
    edit('orm/TenantOrmOptions.ts', "if (typeof subscriber !== 'function') {", 'if (false) {'),
    'subscribers',
  ),
  cure(8, 'an event manager for each run', edit('orm/TenantLease.ts', 'cloneEventManager: true,', ''), 'subscribers'),
  // 9. The right database
  cure(9, '`dbName` for each tenant', edit('orm/OrmTemplate.ts', 'dbName: tenant.database,', ''), 'rightDatabase'),
  cure(
    9,
    'the database of each connection',
    edit('connections/openClient.ts', 'database: target.database,', ''),
    'rightDatabase',
  ),
  cure(
    9,
    'current_database() on each connection',
    edit('connections/openClient.ts', 'if (actual !== database) {', 'if (false) {'),
    'rightDatabase',
  ),
  cure(
    9,
    'options that choose a database are refused',
    edit('orm/TenantOrmOptions.ts', 'Object.entries(REFUSED)', 'Object.entries({})'),
    'rightDatabase',
  ),
  cure(
    9,
    'parameters of the URL are refused',
    edit('connections/ServerOptions.ts', 'if (url.searchParams.has(parameter)) {', 'if (false) {'),
    'rightDatabase',
  ),
  cure(
    9,
    'no options from the environment',
    edit('orm/OrmTemplate.ts', 'preferEnvVars: false', 'preferEnvVars: true'),
    'rightDatabase',
  ),
  // Beside the rows: what goes on after its time
  cure(
    14,
    'no connection once the tenant is closed',
    [
      edit('connections/TenantPool.ts', 'if (this.#endedBecause !== undefined) {', 'if (false) {'),
      edit(
        'connections/ConnectionAccount.ts',
        'if (this.#endedBecause !== undefined) {\n      return Promise.reject',
        'if (false) {\n      return Promise.reject',
      ),
    ],
    'lateWork',
  ),
  cure(
    14,
    'a tenant is not closed under its leases',
    [edit('orm/TenantOrm.ts', 'if (this.#leases > 0) {', 'if (false) {')],
    'interleavings',
  ),
  // A tenant's life
  cure(
    12,
    'a new database is closed to everybody',
    edit(
      'provisioning/databaseStatements.ts',
      / revoke connect, temporary on database \$\{quoteIdentifier\(name\)\} from public;/,
      '',
    ),
    'integration/provisioning/provision',
  ),
  cure(
    12,
    'a role may connect to its own database only',
    edit(
      'provisioning/roles/TenantRoles.ts',
      /(grant connect, temporary on database \$\{on\} to )\$\{name\}/,
      ['grant connect, temporary on database $', '{on} to $', '{quoteIdentifier(this.group)}'].join(''),
    ),
    'integration/provisioning/roles',
  ),
  cure(
    22,
    'the template takes no connection',
    edit('provisioning/TemplateDatabase.ts', 'await admin.allowConnections(database, false);', ''),
    'integration/provisioning/template',
  ),
  cure(
    22,
    'other migrations are another template',
    edit('provisioning/TemplateDatabase.ts', 'migrations.map(({ name, checksum }) => [name, checksum])', '[]'),
    'integration/provisioning/template',
  ),
  cure(
    23,
    'processes let go before a drop',
    edit('provisioning/steps/dropSteps.ts', 'letGoStep(parts), ...gone', '...gone'),
    'integration/provisioning/life',
  ),
  cure(
    23,
    'no status while something is under way',
    edit('provisioning/setTenantStatus.ts', 'row.open !== null || ', ''),
    'integration/provisioning/life',
  ),
  cure(
    11,
    'a database of the same name is left alone',
    edit('provisioning/DatabaseAdmin.ts', 'if (there.get(to) === database.mark) {', 'if (there.has(to)) {'),
    'integration/provisioning/provision',
  ),
  cure(
    23,
    'a copy is compared before it is used',
    edit('provisioning/steps/moveSteps.ts', 'if (differences.length > 0) {', 'if (false) {'),
    'integration/provisioning/move',
  ),
  cure(
    23,
    'no trigger changes what is copied',
    edit('provisioning/copy/CopySession.ts', 'disable trigger user', 'enable trigger user'),
    'integration/provisioning/clone',
  ),
  cure(
    12,
    'a secret is bound to its tenant',
    edit('secrets/EncryptedSecretStore.ts', "['tenancy_secrets', name, keyId]", "['tenancy_secrets', keyId]"),
    'integration/secrets',
  ),
  cure(
    12,
    'both passwords while one is replaced',
    edit('provisioning/roles/TenantCredentials.ts', '[newPassword(), ...passwords]', '[newPassword()]'),
    'integration/provisioning/roles',
  ),
  ...frontDoorCures,
  ...besideRequestsCures,
  ...dashboardCures,
  cure(
    '–',
    'one entity for a list of migrations, and not one for each that is applied',
    edit('migrations/migratorOf.ts', 'lists.get(key) ?? getTableName', 'getTableName'),
    'integration/migrations/migrator',
  ),
  ...mysqlCures,
];
