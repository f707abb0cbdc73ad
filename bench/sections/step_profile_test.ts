import assert from "node:assert/strict";
import { exampleFrame } from "../example_record.ts";
import { addProfile, type KernelShare, stepProfile } from "./step_profile.ts";

Deno.test("dispatches of a kernel are summed by profile", () => {
  const shares = new Map<string, KernelShare>();
  const dispatch = (kernel: string, milliseconds: number, flops: number) => ({
    kernel,
    milliseconds,
    flops,
  });
  addProfile(shares, [dispatch("a", 1, 10), dispatch("b", 2, 0), dispatch("a", 3, 20)], 0);
  addProfile(shares, [dispatch("a", 2, 10), dispatch("b", 3, 0), dispatch("a", 4, 20)], 1);
  assert.deepEqual([...shares.values()], [
    { kernel: "a", dispatches: 2, flops: 30, milliseconds: [4, 6] },
    { kernel: "b", dispatches: 1, flops: 0, milliseconds: [2, 3] },
  ]);
});

Deno.test("the profile's table goes from the largest share down, with the sum", () => {
  const step = { size: "hidden 8", dispatches: 3, steps: 5, wall: [10, 11, 9] };
  const shares = [
    { kernel: "small", dispatches: 1, flops: 0, milliseconds: [2, 3, 1] },
    { kernel: "large", dispatches: 2, flops: 12e6, milliseconds: [6, 7, 5] },
  ];
  assert.equal(
    stepProfile.render([{ ...step, kernels: shares }, { ...step, kernels: [] }], exampleFrame),
    `\
### Hidden 8

A step of 3 dispatches takes 10.0 ms of wall clock (quartiles 9.5 to 10.5): 3 rounds of 5 steps without a wait between them, a profile before each. The kernels' medians add up to 8.0 ms, 0.80 of that.

| Kernel | Dispatches |   ms |   Share | GFLOP/s |
| ------ | ---------: | ---: | ------: | ------: |
| large  |          2 | 6.00 |  75.0 % |     2.0 |
| small  |          1 | 2.00 |  25.0 % |         |
| all    |          3 | 8.00 | 100.0 % |     1.5 |

### Hidden 8

A step of 3 dispatches takes 10.0 ms of wall clock (quartiles 9.5 to 10.5): 3 rounds of 5 steps without a wait between them, a profile before each. The adapter gives no timestamps.
`,
  );
});
