import { behaviourCases } from '../../support/metadata/behaviourCases.ts';
import { describeCases } from '../../support/metadata/describeCases.ts';
import { behaviour, relations } from '../../support/metadata/esDecoratorsLibrary.ts';
import { relationCases } from '../../support/metadata/relationCases.ts';

describeCases('relations by ES decorators', relations, relationCases);
describeCases('behaviour by ES decorators', behaviour, behaviourCases);
