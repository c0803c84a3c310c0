// The description of the API for people: lists every call, and lets it be tried with a key.

import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";

const place = document.getElementById("docs");
if (place) {
  SwaggerUI({
    domNode: place,
    url: place.dataset.schema ?? "",
    deepLinking: true,
    docExpansion: "list",
    filter: true,
    validatorUrl: null, // it would send the schema to somebody else
  });
}
