// The elements as a notebook widget: one ES module with render({ model, el }).
import "./elements";
import "./style.css";

export default { render(): void {} };
