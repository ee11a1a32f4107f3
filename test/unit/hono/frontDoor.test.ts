import { describeFrontDoor } from '../../support/http/describeFrontDoor.ts';
import { honoDoor } from '../../support/http/honoDoor.ts';

describeFrontDoor('Hono', honoDoor);
