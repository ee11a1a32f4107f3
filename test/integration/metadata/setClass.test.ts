import { behaviourCases } from '../../support/metadata/behaviourCases.ts';
import { describeCases } from '../../support/metadata/describeCases.ts';
import { relationCases } from '../../support/metadata/relationCases.ts';
import { behaviour, relations } from '../../support/metadata/setClassLibrary.ts';

describeCases('relations by defineEntity with classes', relations, relationCases);
describeCases('behaviour by defineEntity with classes', behaviour, behaviourCases);
