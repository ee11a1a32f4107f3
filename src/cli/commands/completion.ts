import { Argument, type Command } from 'commander';
import type { CliOf } from '../program.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export function addCompletion(program: Command, cliOf: CliOf): void {
  program
    .command('completion')
    .description('a script by which the shell completes commands and options')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .addHelpText(
      'after',
      '\nExamples:\n  tenants completion bash > /etc/bash_completion.d/tenants\n  tenants completion fish > ~/.config/fish/completions/tenants.fish',
    )
    .action((shell: (typeof SHELLS)[number], _options: object, command: Command) =>
      cliOf(command, async (cli) => {
        cli.output.result({ shell, script: SCRIPTS[shell](program) }, [SCRIPTS[shell](program)]);
      }),
    );
}

const optionsOf = (command: Command): string[] =>
  [...command.options, ...(command.parent?.options ?? [])].flatMap(({ long }) => long ?? []);

const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], (program: Command) => string>> = {
  bash: (program) => {
    const cases = program.commands.map((one) => {
      const words = [...one.commands.map((sub) => sub.name()), ...optionsOf(one)];
      return `    ${one.name()}) words="${words.join(' ')}" ;;`;
    });
    return `_tenants() {
  local words
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
    *) words="" ;;
  esac
  [ "$COMP_CWORD" = 1 ] && words="${program.commands.map((one) => one.name()).join(' ')}"
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _tenants tenants`;
  },
  zsh: (program) => `#compdef tenants
autoload -U +X bashcompinit && bashcompinit
${SCRIPTS.bash(program)}`,
  fish: (program) =>
    program.commands
      .flatMap((one) => [
        `complete -c tenants -n __fish_use_subcommand -a ${one.name()} -d '${one.description().replaceAll("'", "\\'")}'`,
        ...optionsOf(one).map(
          (long) => `complete -c tenants -n '__fish_seen_subcommand_from ${one.name()}' -l ${long.slice(2)}`,
        ),
      ])
      .join('\n'),
};
