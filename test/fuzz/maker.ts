/** What all parts of the generator share: chance, the budget, fresh names, and the choice of a variable. */
import { Random } from './random';
import { type Type, type Variable, type Where } from './where';

/** Expressions nested deeper are leaves. */
const DEEPEST = 9;

export class Maker {
  private names = 0;

  constructor(
    readonly random: Random,
    /** Expressions and statements that may still be made of parts. */
    public budget: number,
  ) {}

  /** A name nobody has. */
  fresh(letter: string): string {
    return `${letter}${++this.names}`;
  }

  /** Whether only leaves may be made here; spends. */
  spent(where: Where): boolean {
    return --this.budget < 0 || where.depth > DEEPEST;
  }

  /** Declares a name in the scope of `where`. */
  declare(where: Where, name: string, type: Type, constant = false, live = true): Variable {
    const variable: Variable = { name, type, constant, live, level: where.level };
    where.scope.variables.set(name, variable);
    return variable;
  }

  /** A variable in sight: of the type, if one is. Rarely one whose declaration is still to come. */
  variable(where: Where, type: Type, wanted: (variable: Variable) => boolean = () => true): Variable | undefined {
    const { random } = this;
    const usable = where.scope
      .all()
      .filter((one) => wanted(one) && (one.live || (one.level < where.level ? random.chance(40) : random.chance(2))));
    if (usable.length === 0) return undefined;
    const fitting = usable.filter((one) => one.type === type);
    if (type !== 'any' && fitting.length > 0 && random.chance(95)) return random.pick(fitting);
    if (type !== 'any' && !random.chance(6)) return undefined;
    return random.pick(usable);
  }
}
