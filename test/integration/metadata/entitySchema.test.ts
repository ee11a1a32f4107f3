import { behaviourCases } from '../../support/metadata/behaviourCases.ts';
import { describeCases } from '../../support/metadata/describeCases.ts';
import { behaviour, relations } from '../../support/metadata/entitySchemaLibrary.ts';
import { relationCases } from '../../support/metadata/relationCases.ts';

describeCases('relations by EntitySchema', relations, relationCases);
describeCases('behaviour by EntitySchema', behaviour, behaviourCases);
