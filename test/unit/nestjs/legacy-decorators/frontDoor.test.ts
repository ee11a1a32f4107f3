import { describeFrontDoor } from '../../../support/http/describeFrontDoor.ts';
import { nestOnExpress, nestOnFastify } from '../../../support/http/legacy-decorators/nestDoors.ts';

describeFrontDoor('NestJS on Express', nestOnExpress);
describeFrontDoor('NestJS on Fastify', nestOnFastify);
