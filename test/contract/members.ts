// Members of MikroORM's classes, private ones among them, that have been looked at: whether an entity can get in by them
// that no guard sees. A name that is not here is to be looked at before it is added.

/** `guarded` are overridden by `guardedEntityManager`. The others call these or the unit of work, or take no entity. */
export const ENTITY_MANAGER = {
  guarded: [
    'assign',
    'getReference',
    'map',
    'merge',
    'clone',
    'count',
    'countBy',
    'find',
    'findAll',
    'findAndCount',
    'findByCursor',
    'findOne',
    'findOneOrFail',
    'insert',
    'insertMany',
    'lock',
    'nativeDelete',
    'nativeUpdate',
    'populate',
    'refresh',
    'upsert',
    'upsertMany',
    'getContext',
    'transactional',
    'create',
    'stream',
    'createQueryBuilder',
  ],
  others: `
  addFilter applyDiscriminatorCondition applyFilters autoJoinRefsForFilters begin buildFields cacheKey callRoutine
  canPopulate checkLockRequirements clear clearCache clearSessionContext commit constructor createPopulateWhere
  execute flush forceSelectInForLimitedPopulate fork getAbortOptions getComparator getConnection getDataLoader
  getDriver getEntityFactory getEntityLoader getEventManager getFilterParams getHydrator getJoinedFilters getKysely
  getLoggerContext getMetadata getPlatform getPopulateWhere getRepository getSessionContext getTransactionContext
  getTransactionSessionContext getUnitOfWork id isInTransaction isTransactionDisabled lockAndPopulate mergeSessionContext persist
  prepareOptions preparePopulate processUnionWhere processWhere qb refreshMaterializedView refreshOrFail remove repo
  resetTransactionContext rollback schema setFilterParams setFlushMode setLoggerContext setSessionContext
  setTransactionContext shouldRefresh storeCache tryCache tryFlush validateIndexUsage validateSessionContextStaging
  validateWhereKeysForIndex withSessionContext
`,
} as const;

/** `guarded` are overridden by `guardedQueryBuilder`. The others call these, or take neither data nor conditions. */
export const QUERY_BUILDER = {
  guarded: [
    'andHaving',
    'andWhere',
    'delete',
    'having',
    'innerJoin',
    'innerJoinAndSelect',
    'innerJoinLateral',
    'innerJoinLateralAndSelect',
    'insert',
    'join',
    'joinAndSelect',
    'leftJoin',
    'leftJoinAndSelect',
    'leftJoinLateral',
    'leftJoinLateralAndSelect',
    'merge',
    'orHaving',
    'orWhere',
    'update',
    'where',
    'clone',
  ],
  others: `
  addCte addPolymorphicJoin addPropertyJoin addSelect addTPTParentFields addTPTParentJoins alias andOrderBy
  applyDiscriminatorCondition applyFilters applyJoinedFilters applyTPTJoins applyTPTPolymorphicJoins as
  branchesConflict buildUnionQuery cache canDistributeOrBranches collation comment condReferencesAlias constructor
  count createAlias createMainAlias createQueryBuilderHelper distinct distinctOn ensureFromClause ensureNotFinalized
  ensureTPTJoins execute finalize from fromEntityName fromRawTable fromSubQuery fromVirtual getAliasForJoinPath
  getAliasMap getCloneableProps getConnection getCount getFieldsForJoinedLoad getFormattedQuery getJoinForPath
  getJoinSubtree getLoggerContext getNativeQuery getNextAlias getOrBranchAliases getParams getPopulatePaths getQuery
  getQueryBase getResult getResultAndCount getResultList getSchema getSelectAliases getSingleResult groupBy hasFlag
  hasToManyJoins helper hintComment ignore indexHint init insertFrom joinReference limit mainAlias mapResult
  mapResults mergeFilterOrCondition mergeOnConditions nestReferencedJoins normalizeJoinPath offset onConflict
  orderBy populate prepareFields preparePartitionLimit processNestedJoins processOrderBy processPopulateHint
  processPopulateWhere processReturningStatement propagatePopulateHint pruneJoinsForPagination
  resolveInsertFromColumns resolveNestedPath resolveVirtualField returning rewriteVirtualFieldOrderBy
  scheduleFilterCheck select setAbortOptions setFlag setFlushMode setLockMode setLoggerContext setPartitionLimit
  state stream toQuery toRaw transferConditionsForOrderByJoins transferConditionsToJoin truncate type union unionAll
  unsetFlag with withRecursive withSchema withSubQuery wrapModifySubQuery wrapPaginateSubQuery
  wrapPartitionLimitSubQuery
`,
} as const;

/** The ways in are in `entityClauses`. The others are reached through them, or let nothing in. */
export const UNIT_OF_WORK = {
  others: `
  cancelOrphanRemoval cascade cascadeReference checkUniqueProps clear clearActionsQueue commit
  commitCollectionUpdates commitCreateChangeSets commitDeleteChangeSets commitExtraUpdates commitUpdateChangeSets
  computeChangeSet constructor createTPTChangeSets dispatchOnLoadEvent doCommit expandUniqueProps
  filterCollectionUpdates findEarlyUpdates findExtraUpdates findNewEntities fixMissingReference getById getByKey
  getChangeSetGroups getChangeSetPersister getChangeSets getCollectionUpdates getCommitOrder getExtraUpdates
  getIdentityMap getOriginalEntityData getOrphanRemoveStack getPersistStack getRemoveStack initIdentifier
  isCollectionSelfReferenced lock lockOptimistic lockPessimistic normalizeEntityData persistToDatabase
  postCommitCleanup processReference processToManyReference processToOneReference recomputeSingleChangeSet
  resetTransaction scheduleExtraUpdate shouldAutoFlush shouldCascade storeByKey takeCollectionSnapshots tryGetById
  unmarkAsLoaded unsetIdentity
`,
} as const;
