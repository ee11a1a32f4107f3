const { TestEnvironment } = require('jest-environment-node');

/** The mutant that a test has noticed. */
let noticed;

/** Skips what is left, hooks included, once a test has noticed the mutant: Jest does not stop a file that is under way. */
module.exports = class BailingEnvironment extends TestEnvironment {
  handleTestEvent(event) {
    const mutant = process.env.__STRYKER_ACTIVE_MUTANT__;
    if (event.name === 'test_done' && event.test.errors.length > 0) {
      noticed = mutant;
    }
    if (mutant === undefined || mutant !== noticed) {
      return;
    }
    if (event.name === 'run_describe_start') {
      event.describeBlock.mode = 'skip';
    }
    if (event.name === 'test_start') {
      event.test.mode = 'skip';
    }
  }
};
