import { paramsLostBy } from '../lost-params.ts';
import { defineLintRule, spotOf } from '../rule.ts';

/** nginx inherits a list of parameters as a whole, and only into blocks that have none of their own. */
export default defineLintRule({
  meta: {
    id: 'params-inheritance-lost',
    title: 'A parameter of its own takes all inherited ones from a location',
    severity: 'error',
  },
  *check(view) {
    for (const pass of view.passes) {
      const lost = paramsLostBy(pass);
      if (lost === undefined) continue;
      const { by, names, outer, outerLine } = lost;
      const shown = names.slice(0, 4).join(', ');
      yield {
        at: spotOf(by),
        message: `This line makes the location inherit no \`${by.name}\` at all: ${shown}${names.length > 4 ? ' and others' : ''} of the block further out ${names.length > 1 ? 'are' : 'is'} not sent, and the backend cannot tell what is asked of it.`,
        advice: `Repeat the other lines beside this one (\`include ${pass.kind}_params;\`${names.includes('SCRIPT_FILENAME') ? ' and SCRIPT_FILENAME' : ''}), or move this one to where they stand.`,
        related: [
          { at: spotOf(pass.directive), text: 'Requests are passed on here.' },
          ...(outerLine === undefined
            ? outer.directive === undefined
              ? []
              : [{ at: spotOf(outer.directive), text: 'The others stand in this block.' }]
            : [{ at: spotOf(outerLine), text: 'The others stand here.' }]),
        ],
      };
    }
  },
});
