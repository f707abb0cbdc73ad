/** Which matrix products a program does, by shape class: what there is to tune. */
import type { Command } from "../gpu/command.ts";
import { type ProductOrder, type ProductShape, shapeClass } from "../gpu/plan.ts";

/** The products of one shape class. */
export interface ProductClass {
  /** {@linkcode shapeClass}. */
  name: string;
  order: ProductOrder;
  /** The largest product of the class: what is timed. */
  shape: ProductShape;
  /** Products of the class in the programs. */
  count: number;
  /** Floating-point operations of all of them. */
  flops: number;
}

const PRODUCT = /^matmul(?:_tile)?_(nt|nn|tn)$/;

/** The classes of the products in traced programs, most work first. */
export function productClasses(commands: readonly Command[]): ProductClass[] {
  const classes = new Map<string, ProductClass>();
  for (const { kernel, sizes, flops } of commands) {
    const order = PRODUCT.exec(kernel)?.[1] as ProductOrder | undefined;
    if (!order) continue;
    const { rows, columns, inner } = sizes;
    const shape = { rows, columns, inner };
    const name = shapeClass(order, shape);
    const known = classes.get(name);
    if (!known) {
      classes.set(name, { name, order, shape, count: 1, flops });
      continue;
    }
    known.count++;
    known.flops += flops;
    if (work(shape) > work(known.shape)) known.shape = shape;
  }
  return [...classes.values()].sort((a, b) => b.flops - a.flops);
}

const work = ({ rows, columns, inner }: ProductShape) => rows * columns * inner;
