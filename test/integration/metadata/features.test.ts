import { describeCases } from '../../support/metadata/describeCases.ts';
import { behaviour, behaviourCases } from '../../support/metadata/features/behaviour.ts';
import { embeddableCases, embeddables } from '../../support/metadata/features/embeddables.ts';
import { inheritance, inheritanceCases } from '../../support/metadata/features/inheritance.ts';
import { queries, queryCases } from '../../support/metadata/features/queries.ts';
import { valueCases, values } from '../../support/metadata/features/values.ts';

describeCases('values', values, valueCases);
describeCases('embeddables', embeddables, embeddableCases);
describeCases('inheritance', inheritance, inheritanceCases);
describeCases('queries', queries, queryCases);
describeCases('hooks, subscribers and serialization', behaviour, behaviourCases);
