import { behaviourCases } from '../../support/metadata/behaviourCases.ts';
import { behaviour, relations } from '../../support/metadata/defineEntityLibrary.ts';
import { describeCases } from '../../support/metadata/describeCases.ts';
import { relationCases } from '../../support/metadata/relationCases.ts';

describeCases('relations by defineEntity', relations, relationCases);
describeCases('behaviour by defineEntity', behaviour, behaviourCases);
