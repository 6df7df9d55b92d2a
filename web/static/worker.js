// Starts the worker that it is named after. An error of a promise would stay in here: thrown, it is
// heard by whoever started the worker.
importScripts(`/${self.name}.js`);
wasm_bindgen({ module_or_path: `/${self.name}_bg.wasm` }).catch((error) => {
  setTimeout(() => {
    throw error;
  });
});
