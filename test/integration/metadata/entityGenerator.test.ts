import { describeCases } from '../../support/metadata/describeCases.ts';
import { relations } from '../../support/metadata/generatedLibrary.ts';
import { relationCases } from '../../support/metadata/relationCases.ts';

describeCases('relations by the entity generator', relations, relationCases);
