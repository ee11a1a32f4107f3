import { describeFrontDoor } from '../../support/http/describeFrontDoor.ts';
import { koaDoor } from '../../support/http/koaDoor.ts';

describeFrontDoor('Koa', koaDoor);
