import { describeFrontDoor } from '../../support/http/describeFrontDoor.ts';
import { expressDoor } from '../../support/http/expressDoor.ts';

describeFrontDoor('Express', expressDoor);
