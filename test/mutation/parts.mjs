/**
 * What is mutated. The tests that must notice are in `suites`, one file a part: loading Jest's environment for each test
 * file takes longer than most tests, and a mutant loads them all.
 */
export const parts = {
  context: { mutate: ['src/context/**/*.ts', '!src/context/OwnerGuard.ts'] },
  guard: {
    mutate: ['src/context/OwnerGuard.ts', 'src/orm/guarded*.ts', 'src/orm/assertDisjoint.ts'],
  },
  budget: {
    mutate: [
      'src/connections/{ConnectionBudget,ConnectionAccount,TenantShare,AccountQueue,WaitingLine}.ts',
      'src/connections/{TenantTurns,IdleConnections,HeldConnections,Openings,Drain,SingleTimer}.ts',
    ],
    testTimeoutMs: 3_000,
  },
  // Without the properties and the second implementation: thousands of made-up requests for each mutant.
  resolver: { mutate: ['src/resolution/**/*.ts'], testTimeoutMs: 3_000 },
  locks: {
    mutate: [
      'src/migrations/advisoryLock.ts',
      'src/migrations/KeyedQueue.ts',
      'src/provisioning/DatabaseAdmin.ts:67-76',
    ],
  },
};
