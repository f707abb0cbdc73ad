import assert from "node:assert/strict";
import { readMatrix } from "../gpu/memory.ts";
import { compileProgram } from "../gpu/program.ts";
import { createTape } from "../tensor/tape.ts";
import { formOf, testEngines } from "../testing/gpu.ts";
import { limitParameter } from "./limit.ts";
import { createParameters, freeParameters } from "./parameters.ts";

for (const engine of await testEngines()) {
  Deno.test(`a parameter is kept below a bound ${formOf(engine)}`, async () => {
    const values = Float32Array.of(-7, 0.5, 1, 2, 1e9);
    const [parameter] = createParameters(engine, [{ name: "p", rows: 1, columns: 5, values }]);
    const tape = createTape(engine);
    limitParameter(tape, parameter, 1);
    const program = compileProgram(engine, tape.commands);
    program.run();
    for (const { matrix } of [parameter.tensor, parameter.master]) {
      assert.deepEqual([...await readMatrix(engine.device, matrix!)], [-7, 0.5, 1, 1, 1]);
    }
    program.destroy();
    freeParameters(engine, [parameter]);
    assert.throws(() => limitParameter(tape, parameter, -1), {
      name: "RangeError",
      message: "Cannot limit a parameter to -1: it is below 0",
    });
  });
}
