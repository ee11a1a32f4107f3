import { behaviourCases } from '../../../support/metadata/behaviourCases.ts';
import { describeCases } from '../../../support/metadata/describeCases.ts';
import { behaviour, relations } from '../../../support/metadata/legacy-decorators/library.ts';
import { relationCases } from '../../../support/metadata/relationCases.ts';

describeCases('relations by legacy decorators', relations, relationCases);
describeCases('behaviour by legacy decorators', behaviour, behaviourCases);
