import '../../isolation/contextualEntityManager.test.ts';
import '../../isolation/nesting.test.ts';
import '../../isolation/requestContext.test.ts';
import '../../isolation/centralDatabase.test.ts';
import '../../unit/context/offerCentral.test.ts';
