import { PluginKind } from '@stryker-mutator/api/plugin';

/** What an error says in words is for people; tests look at its class, and at its text where that holds a fact. */
const errorTexts = {
  shouldIgnore(path) {
    if (!path.isStringLiteral() && !path.isTemplateLiteral()) {
      return undefined;
    }
    const around = path.findParent((outer) => outer.isNewExpression() || outer.isFunction());
    return around?.isNewExpression() && around.node.callee.name?.endsWith('Error')
      ? 'The wording of an error.'
      : undefined;
  },
};

export const strykerPlugins = [{ kind: PluginKind.Ignore, name: 'error-texts', value: errorTexts }];
