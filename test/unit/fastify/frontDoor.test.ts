import { describeFrontDoor } from '../../support/http/describeFrontDoor.ts';
import { fastifyDoor } from '../../support/http/fastifyDoor.ts';

describeFrontDoor('Fastify', fastifyDoor);
