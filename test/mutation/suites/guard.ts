import '../../isolation/uncascaded.test.ts';
import '../../isolation/centralDatabase.test.ts';
import '../../integration/central/options.test.ts';
import '../../isolation/foreignEntities.test.ts';
import '../../isolation/foreignSources.test.ts';
import '../../unit/orm/guardedEntityManager.test.ts';
