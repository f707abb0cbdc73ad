import assert from "node:assert/strict";
import { plainImage, setPixel } from "../data/image.ts";
import { pixelSvg } from "./pixel_svg.ts";

Deno.test("runs of equal pixels are lines, a path a colour", () => {
  const image = plainImage(4, 2, [255, 0, 16]);
  setPixel(image, 1, 0, [0, 0, 0]);
  setPixel(image, 2, 0, [0, 0, 0]);
  setPixel(image, 3, 1, [0, 0, 0]);
  assert.equal(
    pixelSvg(image, "Test picture test/0"),
    '<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="Test picture test/0" ' +
      'width="8" height="4" viewBox="0 0 4 2" shape-rendering="crispEdges">\n' +
      '<path stroke="#ff0010" d="M0 0.5h1M3 0.5h1M0 1.5h3"/>\n' +
      '<path stroke="#000000" d="M1 0.5h2M3 1.5h1"/>\n' +
      "</svg>\n",
  );
});
