var kt=globalThis,Tt=kt.ShadowRoot&&(kt.ShadyCSS===void 0||kt.ShadyCSS.nativeShadow)&&"adoptedStyleSheets"in Document.prototype&&"replace"in CSSStyleSheet.prototype,ks=Symbol(),ws=new WeakMap,xt=class{constructor(r,e,t){if(this._$cssResult$=!0,t!==ks)throw Error("CSSResult is not constructable. Use `unsafeCSS` or `css` instead.");this.cssText=r,this.t=e}get styleSheet(){let r=this.o,e=this.t;if(Tt&&r===void 0){let t=e!==void 0&&e.length===1;t&&(r=ws.get(e)),r===void 0&&((this.o=r=new CSSStyleSheet).replaceSync(this.cssText),t&&ws.set(e,r))}return r}toString(){return this.cssText}},xs=n=>new xt(typeof n=="string"?n:n+"",void 0,ks);var Ts=(n,r)=>{if(Tt)n.adoptedStyleSheets=r.map(e=>e instanceof CSSStyleSheet?e:e.styleSheet);else for(let e of r){let t=document.createElement("style"),s=kt.litNonce;s!==void 0&&t.setAttribute("nonce",s),t.textContent=e.cssText,n.appendChild(t)}},hn=Tt?n=>n:n=>n instanceof CSSStyleSheet?(r=>{let e="";for(let t of r.cssRules)e+=t.cssText;return xs(e)})(n):n;var{is:Ei,defineProperty:qi,getOwnPropertyDescriptor:Ni,getOwnPropertyNames:Pi,getOwnPropertySymbols:Ci,getPrototypeOf:Oi}=Object,At=globalThis,As=At.trustedTypes,Hi=As?As.emptyScript:"",ji=At.reactiveElementPolyfillSupport,Ze=(n,r)=>n,cn={toAttribute(n,r){switch(r){case Boolean:n=n?Hi:null;break;case Object:case Array:n=n==null?n:JSON.stringify(n)}return n},fromAttribute(n,r){let e=n;switch(r){case Boolean:e=n!==null;break;case Number:e=n===null?null:Number(n);break;case Object:case Array:try{e=JSON.parse(n)}catch{e=null}}return e}},Ms=(n,r)=>!Ei(n,r),_s={attribute:!0,type:String,converter:cn,reflect:!1,useDefault:!1,hasChanged:Ms};Symbol.metadata??=Symbol("metadata"),At.litPropertyMetadata??=new WeakMap;var ge=class extends HTMLElement{static addInitializer(r){this._$Ei(),(this.l??=[]).push(r)}static get observedAttributes(){return this.finalize(),this._$Eh&&[...this._$Eh.keys()]}static createProperty(r,e=_s){if(e.state&&(e.attribute=!1),this._$Ei(),this.prototype.hasOwnProperty(r)&&((e=Object.create(e)).wrapped=!0),this.elementProperties.set(r,e),!e.noAccessor){let t=Symbol(),s=this.getPropertyDescriptor(r,t,e);s!==void 0&&qi(this.prototype,r,s)}}static getPropertyDescriptor(r,e,t){let{get:s,set:o}=Ni(this.prototype,r)??{get(){return this[e]},set(i){this[e]=i}};return{get:s,set(i){let l=s?.call(this);o?.call(this,i),this.requestUpdate(r,l,t)},configurable:!0,enumerable:!0}}static getPropertyOptions(r){return this.elementProperties.get(r)??_s}static _$Ei(){if(this.hasOwnProperty(Ze("elementProperties")))return;let r=Oi(this);r.finalize(),r.l!==void 0&&(this.l=[...r.l]),this.elementProperties=new Map(r.elementProperties)}static finalize(){if(this.hasOwnProperty(Ze("finalized")))return;if(this.finalized=!0,this._$Ei(),this.hasOwnProperty(Ze("properties"))){let e=this.properties,t=[...Pi(e),...Ci(e)];for(let s of t)this.createProperty(s,e[s])}let r=this[Symbol.metadata];if(r!==null){let e=litPropertyMetadata.get(r);if(e!==void 0)for(let[t,s]of e)this.elementProperties.set(t,s)}this._$Eh=new Map;for(let[e,t]of this.elementProperties){let s=this._$Eu(e,t);s!==void 0&&this._$Eh.set(s,e)}this.elementStyles=this.finalizeStyles(this.styles)}static finalizeStyles(r){let e=[];if(Array.isArray(r)){let t=new Set(r.flat(1/0).reverse());for(let s of t)e.unshift(hn(s))}else r!==void 0&&e.push(hn(r));return e}static _$Eu(r,e){let t=e.attribute;return t===!1?void 0:typeof t=="string"?t:typeof r=="string"?r.toLowerCase():void 0}constructor(){super(),this._$Ep=void 0,this.isUpdatePending=!1,this.hasUpdated=!1,this._$Em=null,this._$Ev()}_$Ev(){this._$ES=new Promise(r=>this.enableUpdating=r),this._$AL=new Map,this._$E_(),this.requestUpdate(),this.constructor.l?.forEach(r=>r(this))}addController(r){(this._$EO??=new Set).add(r),this.renderRoot!==void 0&&this.isConnected&&r.hostConnected?.()}removeController(r){this._$EO?.delete(r)}_$E_(){let r=new Map,e=this.constructor.elementProperties;for(let t of e.keys())this.hasOwnProperty(t)&&(r.set(t,this[t]),delete this[t]);r.size>0&&(this._$Ep=r)}createRenderRoot(){let r=this.shadowRoot??this.attachShadow(this.constructor.shadowRootOptions);return Ts(r,this.constructor.elementStyles),r}connectedCallback(){this.renderRoot??=this.createRenderRoot(),this.enableUpdating(!0),this._$EO?.forEach(r=>r.hostConnected?.())}enableUpdating(r){}disconnectedCallback(){this._$EO?.forEach(r=>r.hostDisconnected?.())}attributeChangedCallback(r,e,t){this._$AK(r,t)}_$ET(r,e){let t=this.constructor.elementProperties.get(r),s=this.constructor._$Eu(r,t);if(s!==void 0&&t.reflect===!0){let o=(t.converter?.toAttribute!==void 0?t.converter:cn).toAttribute(e,t.type);this._$Em=r,o==null?this.removeAttribute(s):this.setAttribute(s,o),this._$Em=null}}_$AK(r,e){let t=this.constructor,s=t._$Eh.get(r);if(s!==void 0&&this._$Em!==s){let o=t.getPropertyOptions(s),i=typeof o.converter=="function"?{fromAttribute:o.converter}:o.converter?.fromAttribute!==void 0?o.converter:cn;this._$Em=s;let l=i.fromAttribute(e,o.type);this[s]=l??this._$Ej?.get(s)??l,this._$Em=null}}requestUpdate(r,e,t,s=!1,o){if(r!==void 0){let i=this.constructor;if(s===!1&&(o=this[r]),t??=i.getPropertyOptions(r),!((t.hasChanged??Ms)(o,e)||t.useDefault&&t.reflect&&o===this._$Ej?.get(r)&&!this.hasAttribute(i._$Eu(r,t))))return;this.C(r,e,t)}this.isUpdatePending===!1&&(this._$ES=this._$EP())}C(r,e,{useDefault:t,reflect:s,wrapped:o},i){t&&!(this._$Ej??=new Map).has(r)&&(this._$Ej.set(r,i??e??this[r]),o!==!0||i!==void 0)||(this._$AL.has(r)||(this.hasUpdated||t||(e=void 0),this._$AL.set(r,e)),s===!0&&this._$Em!==r&&(this._$Eq??=new Set).add(r))}async _$EP(){this.isUpdatePending=!0;try{await this._$ES}catch(e){Promise.reject(e)}let r=this.scheduleUpdate();return r!=null&&await r,!this.isUpdatePending}scheduleUpdate(){return this.performUpdate()}performUpdate(){if(!this.isUpdatePending)return;if(!this.hasUpdated){if(this.renderRoot??=this.createRenderRoot(),this._$Ep){for(let[s,o]of this._$Ep)this[s]=o;this._$Ep=void 0}let t=this.constructor.elementProperties;if(t.size>0)for(let[s,o]of t){let{wrapped:i}=o,l=this[s];i!==!0||this._$AL.has(s)||l===void 0||this.C(s,void 0,o,l)}}let r=!1,e=this._$AL;try{r=this.shouldUpdate(e),r?(this.willUpdate(e),this._$EO?.forEach(t=>t.hostUpdate?.()),this.update(e)):this._$EM()}catch(t){throw r=!1,this._$EM(),t}r&&this._$AE(e)}willUpdate(r){}_$AE(r){this._$EO?.forEach(e=>e.hostUpdated?.()),this.hasUpdated||(this.hasUpdated=!0,this.firstUpdated(r)),this.updated(r)}_$EM(){this._$AL=new Map,this.isUpdatePending=!1}get updateComplete(){return this.getUpdateComplete()}getUpdateComplete(){return this._$ES}shouldUpdate(r){return!0}update(r){this._$Eq&&=this._$Eq.forEach(e=>this._$ET(e,this[e])),this._$EM()}updated(r){}firstUpdated(r){}};ge.elementStyles=[],ge.shadowRootOptions={mode:"open"},ge[Ze("elementProperties")]=new Map,ge[Ze("finalized")]=new Map,ji?.({ReactiveElement:ge}),(At.reactiveElementVersions??=[]).push("2.1.2");var yn=globalThis,Rs=n=>n,_t=yn.trustedTypes,Ss=_t?_t.createPolicy("lit-html",{createHTML:n=>n}):void 0,Os="$lit$",we=`lit$${Math.random().toFixed(9).slice(2)}$`,Hs="?"+we,Wi=`<${Hs}>`,Ee=document,tt=()=>Ee.createComment(""),nt=n=>n===null||typeof n!="object"&&typeof n!="function",$n=Array.isArray,Li=n=>$n(n)||typeof n?.[Symbol.iterator]=="function",dn=`[ 	
\f\r]`,et=/<(?:(!--|\/[^a-zA-Z])|(\/?[a-zA-Z][^>\s]*)|(\/?$))/g,Es=/-->/g,qs=/>/g,Re=RegExp(`>|${dn}(?:([^\\s"'>=/]+)(${dn}*=${dn}*(?:[^ 	
\f\r"'\`<>=]|("|')|))|$)`,"g"),Ns=/'/g,Ps=/"/g,js=/^(?:script|style|textarea|title)$/i,vn=n=>(r,...e)=>({_$litType$:n,strings:r,values:e}),a=vn(1),I=vn(2),Cl=vn(3),qe=Symbol.for("lit-noChange"),m=Symbol.for("lit-nothing"),Cs=new WeakMap,Se=Ee.createTreeWalker(Ee,129);function Ws(n,r){if(!$n(n)||!n.hasOwnProperty("raw"))throw Error("invalid template strings array");return Ss!==void 0?Ss.createHTML(r):r}var Ii=(n,r)=>{let e=n.length-1,t=[],s,o=r===2?"<svg>":r===3?"<math>":"",i=et;for(let l=0;l<e;l++){let h=n[l],u,d,c=-1,p=0;for(;p<h.length&&(i.lastIndex=p,d=i.exec(h),d!==null);)p=i.lastIndex,i===et?d[1]==="!--"?i=Es:d[1]!==void 0?i=qs:d[2]!==void 0?(js.test(d[2])&&(s=RegExp("</"+d[2],"g")),i=Re):d[3]!==void 0&&(i=Re):i===Re?d[0]===">"?(i=s??et,c=-1):d[1]===void 0?c=-2:(c=i.lastIndex-d[2].length,u=d[1],i=d[3]===void 0?Re:d[3]==='"'?Ps:Ns):i===Ps||i===Ns?i=Re:i===Es||i===qs?i=et:(i=Re,s=void 0);let y=i===Re&&n[l+1].startsWith("/>")?" ":"";o+=i===et?h+Wi:c>=0?(t.push(u),h.slice(0,c)+Os+h.slice(c)+we+y):h+we+(c===-2?l:y)}return[Ws(n,o+(n[e]||"<?>")+(r===2?"</svg>":r===3?"</math>":"")),t]},rt=class n{constructor({strings:r,_$litType$:e},t){let s;this.parts=[];let o=0,i=0,l=r.length-1,h=this.parts,[u,d]=Ii(r,e);if(this.el=n.createElement(u,t),Se.currentNode=this.el.content,e===2||e===3){let c=this.el.content.firstChild;c.replaceWith(...c.childNodes)}for(;(s=Se.nextNode())!==null&&h.length<l;){if(s.nodeType===1){if(s.hasAttributes())for(let c of s.getAttributeNames())if(c.endsWith(Os)){let p=d[i++],y=s.getAttribute(c).split(we),f=/([.?@])?(.*)/.exec(p);h.push({type:1,index:o,name:f[2],strings:y,ctor:f[1]==="."?mn:f[1]==="?"?gn:f[1]==="@"?fn:Ie}),s.removeAttribute(c)}else c.startsWith(we)&&(h.push({type:6,index:o}),s.removeAttribute(c));if(js.test(s.tagName)){let c=s.textContent.split(we),p=c.length-1;if(p>0){s.textContent=_t?_t.emptyScript:"";for(let y=0;y<p;y++)s.append(c[y],tt()),Se.nextNode(),h.push({type:2,index:++o});s.append(c[p],tt())}}}else if(s.nodeType===8)if(s.data===Hs)h.push({type:2,index:o});else{let c=-1;for(;(c=s.data.indexOf(we,c+1))!==-1;)h.push({type:7,index:o}),c+=we.length-1}o++}}static createElement(r,e){let t=Ee.createElement("template");return t.innerHTML=r,t}};function Le(n,r,e=n,t){if(r===qe)return r;let s=t!==void 0?e._$Co?.[t]:e._$Cl,o=nt(r)?void 0:r._$litDirective$;return s?.constructor!==o&&(s?._$AO?.(!1),o===void 0?s=void 0:(s=new o(n),s._$AT(n,e,t)),t!==void 0?(e._$Co??=[])[t]=s:e._$Cl=s),s!==void 0&&(r=Le(n,s._$AS(n,r.values),s,t)),r}var pn=class{constructor(r,e){this._$AV=[],this._$AN=void 0,this._$AD=r,this._$AM=e}get parentNode(){return this._$AM.parentNode}get _$AU(){return this._$AM._$AU}u(r){let{el:{content:e},parts:t}=this._$AD,s=(r?.creationScope??Ee).importNode(e,!0);Se.currentNode=s;let o=Se.nextNode(),i=0,l=0,h=t[0];for(;h!==void 0;){if(i===h.index){let u;h.type===2?u=new st(o,o.nextSibling,this,r):h.type===1?u=new h.ctor(o,h.name,h.strings,this,r):h.type===6&&(u=new bn(o,this,r)),this._$AV.push(u),h=t[++l]}i!==h?.index&&(o=Se.nextNode(),i++)}return Se.currentNode=Ee,s}p(r){let e=0;for(let t of this._$AV)t!==void 0&&(t.strings!==void 0?(t._$AI(r,t,e),e+=t.strings.length-2):t._$AI(r[e])),e++}},st=class n{get _$AU(){return this._$AM?._$AU??this._$Cv}constructor(r,e,t,s){this.type=2,this._$AH=m,this._$AN=void 0,this._$AA=r,this._$AB=e,this._$AM=t,this.options=s,this._$Cv=s?.isConnected??!0}get parentNode(){let r=this._$AA.parentNode,e=this._$AM;return e!==void 0&&r?.nodeType===11&&(r=e.parentNode),r}get startNode(){return this._$AA}get endNode(){return this._$AB}_$AI(r,e=this){r=Le(this,r,e),nt(r)?r===m||r==null||r===""?(this._$AH!==m&&this._$AR(),this._$AH=m):r!==this._$AH&&r!==qe&&this._(r):r._$litType$!==void 0?this.$(r):r.nodeType!==void 0?this.T(r):Li(r)?this.k(r):this._(r)}O(r){return this._$AA.parentNode.insertBefore(r,this._$AB)}T(r){this._$AH!==r&&(this._$AR(),this._$AH=this.O(r))}_(r){this._$AH!==m&&nt(this._$AH)?this._$AA.nextSibling.data=r:this.T(Ee.createTextNode(r)),this._$AH=r}$(r){let{values:e,_$litType$:t}=r,s=typeof t=="number"?this._$AC(r):(t.el===void 0&&(t.el=rt.createElement(Ws(t.h,t.h[0]),this.options)),t);if(this._$AH?._$AD===s)this._$AH.p(e);else{let o=new pn(s,this),i=o.u(this.options);o.p(e),this.T(i),this._$AH=o}}_$AC(r){let e=Cs.get(r.strings);return e===void 0&&Cs.set(r.strings,e=new rt(r)),e}k(r){$n(this._$AH)||(this._$AH=[],this._$AR());let e=this._$AH,t,s=0;for(let o of r)s===e.length?e.push(t=new n(this.O(tt()),this.O(tt()),this,this.options)):t=e[s],t._$AI(o),s++;s<e.length&&(this._$AR(t&&t._$AB.nextSibling,s),e.length=s)}_$AR(r=this._$AA.nextSibling,e){for(this._$AP?.(!1,!0,e);r!==this._$AB;){let t=Rs(r).nextSibling;Rs(r).remove(),r=t}}setConnected(r){this._$AM===void 0&&(this._$Cv=r,this._$AP?.(r))}},Ie=class{get tagName(){return this.element.tagName}get _$AU(){return this._$AM._$AU}constructor(r,e,t,s,o){this.type=1,this._$AH=m,this._$AN=void 0,this.element=r,this.name=e,this._$AM=s,this.options=o,t.length>2||t[0]!==""||t[1]!==""?(this._$AH=Array(t.length-1).fill(new String),this.strings=t):this._$AH=m}_$AI(r,e=this,t,s){let o=this.strings,i=!1;if(o===void 0)r=Le(this,r,e,0),i=!nt(r)||r!==this._$AH&&r!==qe,i&&(this._$AH=r);else{let l=r,h,u;for(r=o[0],h=0;h<o.length-1;h++)u=Le(this,l[t+h],e,h),u===qe&&(u=this._$AH[h]),i||=!nt(u)||u!==this._$AH[h],u===m?r=m:r!==m&&(r+=(u??"")+o[h+1]),this._$AH[h]=u}i&&!s&&this.j(r)}j(r){r===m?this.element.removeAttribute(this.name):this.element.setAttribute(this.name,r??"")}},mn=class extends Ie{constructor(){super(...arguments),this.type=3}j(r){this.element[this.name]=r===m?void 0:r}},gn=class extends Ie{constructor(){super(...arguments),this.type=4}j(r){this.element.toggleAttribute(this.name,!!r&&r!==m)}},fn=class extends Ie{constructor(r,e,t,s,o){super(r,e,t,s,o),this.type=5}_$AI(r,e=this){if((r=Le(this,r,e,0)??m)===qe)return;let t=this._$AH,s=r===m&&t!==m||r.capture!==t.capture||r.once!==t.once||r.passive!==t.passive,o=r!==m&&(t===m||s);s&&this.element.removeEventListener(this.name,this,t),o&&this.element.addEventListener(this.name,this,r),this._$AH=r}handleEvent(r){typeof this._$AH=="function"?this._$AH.call(this.options?.host??this.element,r):this._$AH.handleEvent(r)}},bn=class{constructor(r,e,t){this.element=r,this.type=6,this._$AN=void 0,this._$AM=e,this.options=t}get _$AU(){return this._$AM._$AU}_$AI(r){Le(this,r)}};var zi=yn.litHtmlPolyfillSupport;zi?.(rt,st),(yn.litHtmlVersions??=[]).push("3.3.3");var Ls=(n,r,e)=>{let t=e?.renderBefore??r,s=t._$litPart$;if(s===void 0){let o=e?.renderBefore??null;t._$litPart$=s=new st(r.insertBefore(tt(),o),o,void 0,e??{})}return s._$AI(n),s};var wn=globalThis,Q=class extends ge{constructor(){super(...arguments),this.renderOptions={host:this},this._$Do=void 0}createRenderRoot(){let r=super.createRenderRoot();return this.renderOptions.renderBefore??=r.firstChild,r}update(r){let e=this.render();this.hasUpdated||(this.renderOptions.isConnected=this.isConnected),super.update(r),this._$Do=Ls(e,this.renderRoot,this.renderOptions)}connectedCallback(){super.connectedCallback(),this._$Do?.setConnected(!0)}disconnectedCallback(){super.disconnectedCallback(),this._$Do?.setConnected(!1)}render(){return qe}};Q._$litElement$=!0,Q.finalized=!0,wn.litElementHydrateSupport?.({LitElement:Q});var Bi=wn.litElementPolyfillSupport;Bi?.({LitElement:Q});(wn.litElementVersions??=[]).push("4.2.2");var Ui=[[0,34,78],[18,53,112],[59,73,108],[87,93,109],[112,113,115],[138,134,120],[165,156,116],[195,179,105],[225,204,85],[254,232,56]],Di=[[45,0,75],[84,39,136],[128,115,172],[178,171,210],[216,218,235],[247,247,247],[254,224,182],[253,184,99],[224,130,20],[179,88,6],[127,59,8]];function Is(n,r){let e=Math.min(Math.max(Number.isNaN(r)?0:r,0),1)*(n.length-1),t=Math.min(Math.floor(e),n.length-2),[s,o,i]=[n[t],n[t+1],e-t];return[0,1,2].map(l=>Math.round(s[l]+i*(o[l]-s[l])))}var Mt=n=>Is(Ui,n),zs=n=>Is(Di,(n+1)/2);var fe=(n,r=0)=>n==="route"||n==="match"||n==="copy"?`var(--${n})`:`var(--series-${r%6})`,kn=(n,r)=>a`<span class="role ${n}">${r}</span>`,oe=(n="route")=>kn("route",n),D=(n="match")=>kn("match",n),X=(n="copy")=>kn("copy",n);function V(n,r){customElements.get(n)||customElements.define(n,r)}var xn=new Set,Tn=null,Bs=()=>{for(let n of[...xn])n()},A={current:null,set(n){Tn=n,A.current!==n&&(A.current=n,Bs())},peek(n){let r=n??Tn;A.current!==r&&(A.current=r,Bs())},subscribe(n){return xn.add(n),()=>xn.delete(n)}},Z=class extends Q{constructor(){super(...arguments);this.leave=null}createRenderRoot(){return this}connectedCallback(){super.connectedCallback(),this.leave=A.subscribe(()=>this.requestUpdate())}disconnectedCallback(){super.disconnectedCallback(),this.leave?.()}},Vi={"role:route":"route","role:previous_token":"route","role:match":"match","role:induction":"match","role:copy":"copy"},An=class extends Z{constructor(){super(...arguments);this.key="";this.text=""}static{this.properties={key:{},text:{}}}render(){let e=A.current===this.key;return a`<button
      type="button"
      class="word ${Vi[this.key]??""}"
      aria-pressed=${e?"true":"false"}
      @click=${()=>A.set(e&&Tn===this.key?null:this.key)}
      @pointerenter=${()=>A.peek(this.key)}
      @pointerleave=${()=>A.peek(null)}
    >${this.text}</button>`}};V("rung-word",An);var v=(n,r)=>a`<rung-word .key=${n} .text=${r}></rung-word>`;var Us="−",_n=n=>/^-0(\.0*)?$/.test(n)?n.slice(1):n.replace(/-/g,Us);function b(n,r=2){if(Number.isNaN(n))return"–";if(!Number.isFinite(n))return n>0?"∞":`${Us}∞`;let e=Math.abs(n);return e!==0&&(e<.5*10**-r||e>=1e6)?_n(n.toExponential(1).replace("e+","e")):_n(n.toFixed(r))}function T(n,r=0){return Number.isNaN(n)?"–":n!==1&&n>=.99&&n<1.005?`${Math.min(100*n,99.9).toFixed(1)} %`:`${_n((100*n).toFixed(r))} %`}var E=(n,r=2)=>n>0?`+${b(n,r)}`:b(n,r),H=(n,r=2)=>`${b(n,r)} nats`,ce=(n,r,e=2)=>`[${b(n,e)}, ${b(r,e)}]`;function z(n){let r=n.replace(/ /g,"·").replace(/\n/g,"⏎").replace(/\t/g,"⇥").replace(/\r/g,"␍").replace(/[\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,e=>`\\u${e.charCodeAt(0).toString(16).padStart(4,"0")}`);return r===""?"∅":r}var P=n=>a`<code class="token">${z(n)}</code>`;var Mn="rung-theme",Rt=new Set,Ds=()=>matchMedia("(prefers-color-scheme: dark)"),be={get choice(){let n=document.documentElement.dataset.theme;return n==="light"||n==="dark"?n:"system"},get dark(){return be.choice==="system"?Ds().matches:be.choice==="dark"},set(n){n==="system"?delete document.documentElement.dataset.theme:document.documentElement.dataset.theme=n;try{n==="system"?localStorage.removeItem(Mn):localStorage.setItem(Mn,n)}catch{}for(let r of[...Rt])r()},start(){try{let n=localStorage.getItem(Mn);(n==="light"||n==="dark")&&(document.documentElement.dataset.theme=n)}catch{}Ds().addEventListener("change",()=>{for(let n of[...Rt])n()})},subscribe(n){return Rt.add(n),()=>Rt.delete(n)}};var K=class extends Z{constructor(){super(...arguments);this.width=0;this.#e=null;this.#t=null}#e;#t;connectedCallback(){super.connectedCallback(),this.#t=be.subscribe(()=>this.requestUpdate()),this.#e=new ResizeObserver(e=>{let t=Math.floor(e[0].contentRect.width);t!==this.width&&(this.width=t,requestAnimationFrame(()=>this.requestUpdate()))}),this.#e.observe(this),this.width=Math.floor(this.getBoundingClientRect().width)}disconnectedCallback(){super.disconnectedCallback(),this.#e?.disconnect(),this.#t?.()}};function ke(n,r,e,t,s){return a`<button type="button" class="link table-button" aria-expanded=${n?"true":"false"} @click=${r}>
      ${n?"Hide table":"Table"}
    </button>
    ${n?a`<div class="table-scroll" tabindex="0" role="region" aria-label="Table: ${e}">
          <table>
            <caption class="sr">${e}</caption>
            <thead><tr>${t.map(o=>a`<th scope="col">${o}</th>`)}</tr></thead>
            <tbody>
              ${s().map(o=>a`<tr>${o.map((i,l)=>l===0?a`<th scope="row">${i}</th>`:a`<td>${i}</td>`)}</tr>`)}
            </tbody>
          </table>
        </div>`:m}`}var Rn=class extends K{constructor(){super(...arguments);this.items=[];this.unit="";this.label="";this.signed=!1;this.domain=null;this.rules=[];this.layout="rows";this.digits=2;this.tokens=!1;this.at=0;this.table=!1;this.keys=e=>{if(e.ctrlKey||e.metaKey||e.altKey)return;let t=this.items.length-1;if(e.key==="ArrowLeft")this.move(this.at-1);else if(e.key==="ArrowRight")this.move(this.at+1);else if(e.key==="Home")this.move(0);else if(e.key==="End")this.move(t);else if(e.key==="m")this.move(this.items.reduce((s,o,i)=>o.value>this.items[s].value?i:s,0));else if(e.key==="t")this.table=!this.table;else if(e.key==="Enter"||e.key===" ")this.choose(this.items[this.at],this.at);else return;e.preventDefault()}}static{this.properties={items:{attribute:!1},unit:{},label:{},signed:{type:Boolean},domain:{attribute:!1},rules:{attribute:!1},layout:{},digits:{type:Number},tokens:{type:Boolean},at:{state:!0},table:{state:!0}}}ends(){if(this.domain)return this.domain;let e=this.items.flatMap(o=>[o.value,o.low,o.high,o.predicted].filter(i=>typeof i=="number"&&Number.isFinite(i)));e.push(...this.rules.map(o=>o.at));let t=Math.max(0,...e),s=Math.min(0,...e);return s===t?[0,1]:[s,t]}text(e){return this.tokens?z(e):e}value(e){return this.signed?E(e.value,this.digits):b(e.value,this.digits)}groups(){return[...new Set(this.items.map(e=>e.group).filter(e=>e!==void 0))]}ink(e){return e.role?fe(e.role):e.group!==void 0?fe(void 0,this.groups().indexOf(e.group)):"var(--bar)"}choose(e,t){e.key&&A.set(A.current===e.key?null:e.key),this.dispatchEvent(new CustomEvent("pick",{detail:{index:t},bubbles:!0}))}render(){return this.layout==="columns"?this.columns():this.rowsOf()}legend(){let e=this.groups(),t=this.items.some(o=>typeof o.predicted=="number"),s=this.items.some(o=>o.low!==void 0);return!e.length&&!t&&!s&&!this.rules.length?m:a`<ul class="legend">
      ${e.map((o,i)=>{let l=this.items.find(h=>h.group===o);return a`<li><svg class="swatch" viewBox="0 0 12 12" aria-hidden="true"><rect width="12" height="12" rx="2" fill=${l.role?fe(l.role):fe(void 0,i)}></rect></svg>${o}</li>`})}
      ${t?a`<li><svg class="swatch" viewBox="0 0 12 12" aria-hidden="true"><path d="M6 1L11 6L6 11L1 6Z" class="guess"></path></svg>your prediction</li>`:m}
      ${s?a`<li><svg class="swatch wide" viewBox="0 0 20 12" aria-hidden="true"><path d="M2 6H18M2 2V10M18 2V10" class="whisker"></path></svg>interval</li>`:m}
      ${this.rules.map(o=>a`<li><svg class="swatch wide" viewBox="0 0 20 12" aria-hidden="true"><path d="M0 6H20" class="rule"></path></svg>${o.label} (${b(o.at,this.digits)})</li>`)}
    </ul>`}rowsOf(){let[e,t]=this.ends(),s=t-e||1,o=i=>1e3*(Math.min(Math.max(i,e),t)-e)/s;return a`<table class="bars">
        <caption class="sr">${this.label}${this.unit?`, in ${this.unit}`:""}</caption>
        <thead class="sr"><tr><th scope="col">name</th><th scope="col">bar</th><th scope="col">${this.unit||"value"}</th></tr></thead>
        <tbody>
          ${this.items.map((i,l)=>{let h=i.key!==void 0&&A.current===i.key,[u,d]=[o(Math.min(0,i.value)),o(Math.max(0,i.value))],c=typeof i.predicted=="number"?i.predicted:null;return a`<tr class=${h?"lit":""} @pointerenter=${()=>i.key&&A.peek(i.key)} @pointerleave=${()=>i.key&&A.peek(null)}>
              <th scope="row">
                ${i.key?a`<button type="button" class="word" aria-pressed=${h?"true":"false"} @click=${()=>this.choose(i,l)}>${this.text(i.label)}</button>`:this.text(i.label)}
                ${i.role?a`<span class="role-tag ${i.role}">${i.role}</span>`:m}
              </th>
              <td class="track">
                <svg viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true">
                  ${this.rules.map(p=>I`<line x1=${o(p.at)} x2=${o(p.at)} y1="0" y2="20" class="rule" vector-effect="non-scaling-stroke"></line>`)}
                  <rect x=${u} y="4" width=${Math.max(d-u,0)} height="12" fill=${this.ink(i)}></rect>
                  <line x1=${o(0)} x2=${o(0)} y1="0" y2="20" class="zero" vector-effect="non-scaling-stroke"></line>
                  ${i.low!==void 0&&i.high!==void 0?I`<path d="M${o(i.low)} 10H${o(i.high)}M${o(i.low)} 5V15M${o(i.high)} 5V15" class="whisker" vector-effect="non-scaling-stroke"></path>`:m}
                </svg>
                ${c===null?m:a`<svg class="guess-at" x="0" viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true"><line x1=${o(c)} x2=${o(c)} y1="1" y2="19" class="guess" vector-effect="non-scaling-stroke"></line></svg>`}
              </td>
              <td class="value">
                ${this.value(i)}${i.low!==void 0&&i.high!==void 0?a` <span class="quiet">${ce(i.low,i.high,this.digits)}</span>`:m}
                ${c===null?m:a`<span class="quiet guess-text">you: ${b(c,this.digits)}</span>`}
                ${i.note?a`<span class="quiet">${i.note}</span>`:m}
              </td>
            </tr>`})}
        </tbody>
      </table>
      ${this.unit?a`<p class="unit quiet">${this.unit}</p>`:m} ${this.legend()}`}columns(){let[e,t]=this.ends(),s=this.width||600,o=180,i=40,h=Math.max(s-i-4,40)/Math.max(this.items.length,1),u=c=>8+(o-16)*(t-Math.min(Math.max(c,e),t))/(t-e||1),d=this.items[Math.min(this.at,this.items.length-1)];return a`<div class="columns" tabindex="0" role="application" aria-roledescription="bar chart"
        aria-label="${this.label}. Arrow keys move, m goes to the largest, t shows the table." @keydown=${this.keys}>
        <svg width=${s} height=${o} aria-hidden="true">
          ${[e,t].map(c=>I`<text x=${i-6} y=${u(c)+(c===t?8:0)} class="tick" text-anchor="end">${b(c,1)}</text>`)}
          <line x1=${i} x2=${s} y1=${u(0)} y2=${u(0)} class="zero"></line>
          ${this.items.map((c,p)=>{let y=i+p*h,[f,g]=[u(Math.max(c.value,0)),u(Math.min(c.value,0))],k=c.key!==void 0&&A.current===c.key;return I`<g class="column ${k?"lit":""} ${p===this.at?"here":""}" @pointerenter=${()=>this.move(p)} @click=${()=>this.choose(c,p)}>
              <rect x=${y} y="0" width=${h} height=${o} class="hit"></rect>
              <rect x=${y+h*.1} y=${f} width=${h*.8} height=${Math.max(g-f,.5)} fill=${this.ink(c)}></rect>
              ${c.low!==void 0&&c.high!==void 0?I`<path d="M${y+h/2} ${u(c.low)}V${u(c.high)}" class="whisker"></path>`:m}
              ${typeof c.predicted=="number"?I`<path d="M${y} ${u(c.predicted)}h${h}" class="guess"></path>`:m}
            </g>`})}
          ${this.rules.map(c=>I`<line x1=${i} x2=${s} y1=${u(c.at)} y2=${u(c.at)} class="rule"></line><text x=${s-4} y=${u(c.at)-4} class="tick halo" text-anchor="end">${c.label} ${b(c.at,this.digits)}</text>`)}
        </svg>
      </div>
      <p class="readout" aria-live="polite">${d?`${this.at} ${this.text(d.label)}: ${this.value(d)} ${this.unit}${typeof d.predicted=="number"?`, you ${b(d.predicted,this.digits)}`:""}`:""}</p>
      ${this.legend()}
      ${ke(this.table,()=>this.table=!this.table,this.label,["","name",this.unit||"value",...this.items.some(c=>typeof c.predicted=="number")?["predicted"]:[]],()=>this.items.map((c,p)=>[String(p),this.text(c.label),this.value(c),...typeof c.predicted=="number"?[b(c.predicted,this.digits)]:[]]))}`}move(e){this.at=Math.min(Math.max(e,0),this.items.length-1);let t=this.items[this.at]?.key;t&&A.peek(t)}};V("rung-bars",Rn);var[Vs,Ne,Sn]=[56,52,40],En=class extends K{constructor(){super(...arguments);this.nodes=[];this.edges=[];this.label="Diagram";this.table=!1}static{this.properties={nodes:{attribute:!1},edges:{attribute:!1},label:{},table:{state:!0}}}columns(){let e=new Map;for(let t of this.nodes)e.set(t.id,t.column??0);for(let t=0;t<this.nodes.length;t++)for(let s of this.edges){let o=this.nodes.find(i=>i.id===s.to);!o||o.column!==void 0||e.set(s.to,Math.max(e.get(s.to)??0,Math.min((e.get(s.from)??0)+1,this.nodes.length)))}return e}render(){let e=this.columns(),t=Math.max(1,...[...e.values()].map(p=>p+1)),s=Math.max(this.width||640,260),o=(s-(t-1)*Vs)/t<92,i=Array.from({length:t},()=>[]);for(let p of this.nodes)i[e.get(p.id)].push(p);for(let p of i)p.sort((y,f)=>(y.row??0)-(f.row??0));let l=Math.max(1,...i.map(p=>p.length)),h=o?10:Vs,u=o?Math.min(180,(s-(l-1)*h)/l):Math.min(190,(s-(t-1)*h)/t),d=(o?t:l)*(Ne+Sn)-Sn+24,c=new Map;return i.forEach((p,y)=>p.forEach((f,g)=>{let k=f.row??g+(l-p.length)/2,x=o?(s-p.length*(u+h)+h)/2+g*(u+h):t===1?(s-u)/2:y*(s-u)/(t-1);c.set(f.id,{...f,x,y:12+(o?y:k)*(Ne+Sn)})})),a`<figure class="flow">
      <svg width=${s} height=${d} role="img" aria-label=${this.label}>
        <defs>
          ${["ink","route","match","copy"].map(p=>I`<marker id="tip-${p}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8Z" fill="var(--${p})"></path></marker>`)}
        </defs>
        ${this.edges.map(p=>this.edge(p,c,u,o))} ${[...c.values()].map(p=>this.node(p,u))}
      </svg>
      ${ke(this.table,()=>this.table=!this.table,this.label,["from","to","what","value"],()=>[...this.nodes.filter(p=>p.value!==void 0).map(p=>[p.label,"",p.role??"",p.value]),...this.edges.map(p=>[c.get(p.from)?.label??p.from,c.get(p.to)?.label??p.to,`${p.label??""}${p.broken?" (broken)":""}`,p.value??""])])}
    </figure>`}edge(e,t,s,o){let[i,l]=[t.get(e.from),t.get(e.to)];if(!i||!l)return m;let[h,u]=o?[i.x+s/2,i.y+Ne]:[i.x+s,i.y+Ne/2],[d,c]=o?[l.x+s/2,l.y-2]:[l.x-2,l.y+Ne/2],p=o?`M${h} ${u}C${h} ${u+20} ${d} ${c-20} ${d} ${c}`:`M${h} ${u}C${h+28} ${u} ${d-28} ${c} ${d} ${c}`,y=e.role==="route"||e.role==="match"||e.role==="copy"?e.role:"ink",f=e.key!==void 0&&A.current===e.key,g=[e.label,e.value].filter(Boolean).join(" ");return I`<g class="edge ${e.broken?"broken":""} ${f?"lit":""}">
      <path d=${p} fill="none" stroke="var(--${y})" stroke-width=${1.5+3*(e.weight??0)} stroke-dasharray=${e.broken?"3 5":"none"} marker-end="url(#tip-${y})"></path>
      ${e.broken?I`<path d="M${(h+d)/2-6} ${(u+c)/2-6}l12 12m0 -12l-12 12" class="cross"></path>`:m}
      ${g?I`<text x=${(h+d)/2+(o?8:0)} y=${(u+c)/2-(o?-4:8)} text-anchor=${o?"start":"middle"} class="edge-text halo">${g}</text>`:m}
    </g>`}node(e,t){let s=e.key!==void 0&&A.current===e.key,o=e.role==="route"||e.role==="match"||e.role==="copy"?e.role:"",i=Math.min(Math.max(e.fill??0,0),1);return I`<g class="node ${o} ${s?"lit":""} ${e.key?"press":""}" @click=${()=>e.key&&A.set(s?null:e.key)}
        @pointerenter=${()=>e.key&&A.peek(e.key)} @pointerleave=${()=>e.key&&A.peek(null)}>
      <rect x=${e.x} y=${e.y} width=${t} height=${Ne} rx="8" class="box"></rect>
      ${i>0?I`<rect x=${e.x} y=${e.y+Ne-5} width=${t*i} height="5" rx="2" class="level"></rect>`:m}
      <text x=${e.x+t/2} y=${e.y+(e.value===void 0?31:22)} text-anchor="middle" class="node-label">${e.label}</text>
      ${e.value===void 0?m:I`<text x=${e.x+t/2} y=${e.y+40} text-anchor="middle" class="node-value">${e.value}</text>`}
    </g>`}};V("rung-flow",En);var ot=64,qn=class extends K{constructor(){super(...arguments);this.grid=null;this.rows=[];this.cols=[];this.scale="unit";this.guides=[];this.marks=[];this.label="";this.rowName="row";this.colName="column";this.domain=null;this.focusKey=null;this.size=420;this.digits=3;this.causal=!1;this.row=0;this.col=0;this.table=!1;this.#e=!1;this.key=e=>{if(e.ctrlKey||e.metaKey||e.altKey||!this.grid)return;let{row:t,col:s}=this,[o,i]=this.shape,l=e.shiftKey?8:1,u={ArrowUp:[t-l,s],ArrowDown:[t+l,s],ArrowLeft:[t,s-l],ArrowRight:[t,s+l],Home:[t,0],End:[t,this.causal?Math.min(t,i-1):i-1],PageUp:[0,s],PageDown:[o-1,s]}[e.key];if(u)this.go(u[0],u[1],!0);else if(e.key==="m")this.go(t,this.strongest(t),!0);else if(e.key==="t")this.table=!this.table;else if(e.key==="Enter"||e.key===" ")this.go(t,s,!0);else return;e.preventDefault()};this.point=e=>{let t=this.cellOf(e);t&&(t[0]!==this.row||t[1]!==this.col||!this.#e)&&this.go(t[0],t[1],!1)};this.choose=e=>{let t=this.cellOf(e);t&&this.go(t[0],t[1],!0)}}static{this.properties={grid:{attribute:!1},rows:{attribute:!1},cols:{attribute:!1},scale:{},guides:{attribute:!1},marks:{attribute:!1},label:{},rowName:{},colName:{},domain:{attribute:!1},focusKey:{attribute:!1},size:{type:Number},digits:{type:Number},causal:{type:Boolean},row:{state:!0},col:{state:!0},table:{state:!0}}}#e;get shape(){return[this.grid?.shape[0]??0,this.grid?.shape[1]??0]}ends(){if(this.domain)return this.domain;if(this.scale==="unit"||!this.grid)return[0,1];let e=Math.max(Math.abs(this.grid.max()),Math.abs(this.grid.min()))||1;return[-e,e]}value(e,t){let s=this.grid.at(e,t);return this.scale==="signed"?E(s,this.digits):b(s,this.digits)}name(e,t){return e[t]===void 0?String(t):`${z(e[t])}`}readout(){let{row:e,col:t}=this;return`${this.rowName} ${e} ${this.rows.length?this.name(this.rows,e):""} → ${this.colName} ${t} ${this.cols.length?this.name(this.cols,t):""}: ${this.value(e,t)}`}willUpdate(e){if(e.has("grid")){let[t,s]=this.shape;this.row=Math.min(this.row,Math.max(t-1,0)),this.col=Math.min(this.col,Math.max(s-1,0))}}render(){if(!this.grid)return a`<p class="quiet">Nothing to show yet.</p>`;let[e,t]=this.ends(),s=this.scale==="signed"?[e,0,t]:[e,(e+t)/2,t];return a`<div class="heatmap">
      <div
        class="map"
        tabindex="0"
        role="application"
        aria-roledescription="heat map"
        aria-label="${this.label}. Arrow keys move, m goes to the row’s strongest cell, t shows the table."
        @keydown=${this.key}
        @focus=${()=>this.active(!0)}
        @blur=${()=>this.active(!1)}
        @pointermove=${this.point}
        @pointerleave=${()=>this.active(document.activeElement===this.querySelector(".map"))}
        @click=${this.choose}
      >
        <canvas aria-hidden="true"></canvas>
      </div>
      <p class="readout" aria-live="polite">${this.readout()}</p>
      <div class="scale">
        <span class="ramp ${this.scale}" aria-hidden="true"></span>
        <span class="ticks"
          >${s.map(o=>a`<span>${this.scale==="signed"?E(o):e===0&&t===1?T(o):b(o)}</span>`)}</span
        >
      </div>
      ${this.guides.length?a`<ul class="guides">
            ${this.guides.map((o,i)=>a`<li><span class="dash d${i%3} ${o.role??""}" aria-hidden="true"></span>${o.label}</li>`)}
          </ul>`:m}
      ${ke(this.table,()=>this.table=!this.table,this.label,[`${this.rowName} \\ ${this.colName}`,...this.visible(1).map(o=>`${o} ${this.cols.length?this.name(this.cols,o):""}`)],()=>this.visible(0).map(o=>[`${o} ${this.rows.length?this.name(this.rows,o):""}`,...this.visible(1).map(i=>this.causal&&i>o?"":this.value(o,i))]))}
      ${this.table&&Math.max(...this.shape)>ot?a`<p class="quiet">The table shows ${ot} around the chosen cell.</p>`:m}
    </div>`}visible(e){let t=this.shape[e],s=e===0?this.row:this.col,o=Math.max(0,Math.min(t-ot,s-ot/2));return Array.from({length:Math.min(t,ot)},(i,l)=>o+l)}updated(){this.draw()}layout(){let[e,t]=this.shape,s=Math.max(80,Math.min(this.size,this.width||this.size)),o=Math.max(1,Math.min(s/Math.max(t,1),this.size/Math.max(e,1),40));return{cell:o,left:0,top:0,w:o*t,h:o*e}}draw(){let e=this.querySelector("canvas"),t=e?.getContext("2d");if(!e||!t||!this.grid)return;let[s,o]=this.shape,{cell:i,w:l,h}=this.layout(),u=window.devicePixelRatio||1;e.width=Math.ceil(l*u),e.height=Math.ceil(h*u),e.style.width=`${l}px`,e.style.height=`${h}px`;let d=getComputedStyle(this),c=(x,$)=>d.getPropertyValue(x).trim()||$,[p,y]=this.ends(),f=new ImageData(Math.max(o,1),Math.max(s,1));for(let x=0;x<s;x++)for(let $=0;$<o;$++){if(this.causal&&$>x)continue;let w=this.grid.at(x,$),S=this.scale==="signed"?zs(w/Math.max(Math.abs(p),Math.abs(y))):Mt((w-p)/(y-p||1));f.data.set([...S,255],4*(x*o+$))}let g=document.createElement("canvas");g.width=Math.max(o,1),g.height=Math.max(s,1),g.getContext("2d").putImageData(f,0,0),t.setTransform(u,0,0,u,0,0),t.imageSmoothingEnabled=!1,t.clearRect(0,0,l,h),t.drawImage(g,0,0,l,h),this.guides.forEach((x,$)=>{for(let[w,S]of[[3,c("--paper","#fff")],[1.5,c(x.role?`--${x.role}`:"--guess","#d55e00")]]){t.lineWidth=w,t.strokeStyle=S,t.setLineDash(w===3?[]:[[6,4],[2,3],[10,3,2,3]][$%3]),t.beginPath();for(let B of[-1,1])if(x.kind==="diagonal"){let W=x.offset+B,ne=Math.max(0,-W),_e=Math.min(s,o-W);t.moveTo((ne+W)*i,ne*i),t.lineTo((_e+W)*i,_e*i)}else if(x.kind==="row"){let W=(x.offset+(B+1)/2)*i;t.moveTo(0,W),t.lineTo(l,W)}else{let W=(x.offset+(B+1)/2)*i;t.moveTo(W,0),t.lineTo(W,h)}t.stroke()}}),t.setLineDash([]);let k=(x,$,w,S)=>{t.lineWidth=S+2,t.strokeStyle=c("--paper","#fff"),t.strokeRect($*i,x*i,i,i),t.lineWidth=S,t.strokeStyle=w,t.strokeRect($*i,x*i,i,i)};for(let x of this.marks)k(x.row,x.col,c(x.role?`--${x.role}`:"--accent","#d55e00"),2);if(this.focusKey&&A.current!==null)for(let x=0;x<s;x++)for(let $=0;$<o;$++)this.focusKey(x,$)===A.current&&k(x,$,c("--accent","#06c"),2);this.#e&&k(this.row,this.col,c("--ink","#000"),2)}active(e){this.#e=e,!e&&this.focusKey&&A.peek(null),this.draw()}go(e,t,s){let[o,i]=this.shape;this.row=Math.min(Math.max(e,0),o-1),this.col=Math.min(Math.max(t,0),i-1),this.#e=!0,this.focusKey&&A.peek(this.focusKey(this.row,this.col)),s&&this.dispatchEvent(new CustomEvent("cell",{detail:{row:this.row,col:this.col},bubbles:!0})),this.requestUpdate()}strongest(e){let[,t]=this.shape,s=0,o=i=>this.scale==="signed"?Math.abs(this.grid.at(e,i)):this.grid.at(e,i);for(let i=1;i<t;i++)!(this.causal&&i>e)&&o(i)>o(s)&&(s=i);return s}cellOf(e){let t=this.querySelector("canvas");if(!t)return null;let s=t.getBoundingClientRect(),[o,i]=this.shape,l=Math.floor((e.clientY-s.top)/s.height*o),h=Math.floor((e.clientX-s.left)/s.width*i);return l<0||h<0||l>=o||h>=i?null:[l,h]}};V("rung-heatmap",qn);var St=["behaviour","clue","contribution","causal support","mechanism"],Ki=["Is there anything to explain?","Where does each head look?","Which component pushes the right token?","Does the model rely on it, for the reason claimed?","Is it built to do that?"],Ji={holds:"✓",fails:"✗",contradicted:"✗",inconclusive:"?","not applicable":"–","not run":"○"},Pn=class extends K{constructor(){super(...arguments);this.measurements=[];this.verdict=null;this.label="Evidence ladder"}static{this.properties={measurements:{attribute:!1},verdict:{attribute:!1},label:{}}}render(){return a`<div class="ladder" role="group" aria-label=${this.label}>
      ${this.verdict?a`<p class="verdict"><strong>${this.verdict.sentence}</strong></p>`:m}
      <ol reversed>
        ${[4,3,2,1,0].map(e=>this.rung(e))}
      </ol>
    </div>`}rung(e){let t=this.measurements.filter(l=>l.rung===e),s=t.filter(l=>l.required!==!1),o=s.filter(l=>l.outcome==="holds").length,i=this.verdict!==null&&this.verdict.rung>=e;return a`<li class="rung ${i?"reached":""}">
      <p class="rung-name">
        <span class="rung-number" aria-hidden="true">${e}</span> <strong>${St[e]}</strong>
        <span class="quiet">${Ki[e]}</span>
        <span class="rung-state">${s.length?`${o} of ${s.length} required tests hold`:t.length?"":"not measured"}</span>
      </p>
      ${t.length?a`<div class="table-scroll" tabindex="0" role="region" aria-label="Tests of ${St[e]}">
            <table>
              <thead class=${e===4?"":"sr"}>
                <tr><th scope="col">outcome</th><th scope="col">test</th><th scope="col">effect</th><th scope="col">interval</th><th scope="col">floor</th><th scope="col">control</th><th scope="col">n</th></tr>
              </thead>
              <tbody>
                ${t.map(l=>a`<tr class="outcome-${l.outcome.replace(" ","-")} ${l.required===!1?"shown":""}">
                    <td class="outcome"><span aria-hidden="true">${Ji[l.outcome]}</span> ${l.outcome}</td>
                    <th scope="row">${l.title}${l.subject?a` <span class="quiet">${l.subject}</span>`:m}${l.required===!1?a` <span class="quiet">shown only</span>`:m}${l.note?a`<br /><span class="quiet">${l.note}</span>`:m}</th>
                    <td>${Nn(l.value)} ${l.unit??""}</td>
                    <td>${typeof l.low=="number"&&typeof l.high=="number"?ce(l.low,l.high):"–"}</td>
                    <td>${Nn(l.floor)}</td>
                    <td>${Nn(l.control)}</td>
                    <td>${typeof l.n=="number"?l.n:"–"}</td>
                  </tr>`)}
              </tbody>
            </table>
          </div>`:m}
    </li>`}},Nn=n=>typeof n=="number"?b(n):"–";V("rung-ladder",Pn);function it(n,r){return n==null||r==null?NaN:n<r?-1:n>r?1:n>=r?0:NaN}function Fi(n,r){return n==null||r==null?NaN:r<n?-1:r>n?1:r>=n?0:NaN}function Ks(n){let r,e,t;n.length!==2?(r=it,e=(l,h)=>it(n(l),h),t=(l,h)=>n(l)-h):(r=n===it||n===Fi?n:Gi,e=n,t=n);function s(l,h,u=0,d=l.length){if(u<d){if(r(h,h)!==0)return d;do{let c=u+d>>>1;e(l[c],h)<0?u=c+1:d=c}while(u<d)}return u}function o(l,h,u=0,d=l.length){if(u<d){if(r(h,h)!==0)return d;do{let c=u+d>>>1;e(l[c],h)<=0?u=c+1:d=c}while(u<d)}return u}function i(l,h,u=0,d=l.length){let c=s(l,h,u,d-1);return c>u&&t(l[c-1],h)>-t(l[c],h)?c-1:c}return{left:s,center:i,right:o}}function Gi(){return 0}function Yi(n){return n===null?NaN:+n}var Js=Ks(it),Fs=Js.right,Nu=Js.left,Pu=Ks(Yi).center;var Cu=Gs(Ys),Ou=Gs(Qi);function Gs(n){return function(r,e,t=e){if(!((e=+e)>=0))throw new RangeError("invalid rx");if(!((t=+t)>=0))throw new RangeError("invalid ry");let{data:s,width:o,height:i}=r;if(!((o=Math.floor(o))>=0))throw new RangeError("invalid width");if(!((i=Math.floor(i!==void 0?i:s.length/o))>=0))throw new RangeError("invalid height");if(!o||!i||!e&&!t)return r;let l=e&&n(e),h=t&&n(t),u=s.slice();return l&&h?(ze(l,u,s,o,i),ze(l,s,u,o,i),ze(l,u,s,o,i),Be(h,s,u,o,i),Be(h,u,s,o,i),Be(h,s,u,o,i)):l?(ze(l,s,u,o,i),ze(l,u,s,o,i),ze(l,s,u,o,i)):h&&(Be(h,s,u,o,i),Be(h,u,s,o,i),Be(h,s,u,o,i)),r}}function ze(n,r,e,t,s){for(let o=0,i=t*s;o<i;)n(r,e,o,o+=t,1)}function Be(n,r,e,t,s){for(let o=0,i=t*s;o<t;++o)n(r,e,o,o+i,t)}function Qi(n){let r=Ys(n);return(e,t,s,o,i)=>{s<<=2,o<<=2,i<<=2,r(e,t,s+0,o+0,i),r(e,t,s+1,o+1,i),r(e,t,s+2,o+2,i),r(e,t,s+3,o+3,i)}}function Ys(n){let r=Math.floor(n);if(r===n)return Xi(n);let e=n-r,t=2*n+1;return(s,o,i,l,h)=>{if(!((l-=h)>=i))return;let u=r*o[i],d=h*r,c=d+h;for(let p=i,y=i+d;p<y;p+=h)u+=o[Math.min(l,p)];for(let p=i,y=l;p<=y;p+=h)u+=o[Math.min(l,p+d)],s[p]=(u+e*(o[Math.max(i,p-c)]+o[Math.min(l,p+c)]))/t,u-=o[Math.max(i,p-d)]}}function Xi(n){let r=2*n+1;return(e,t,s,o,i)=>{if(!((o-=i)>=s))return;let l=n*t[s],h=i*n;for(let u=s,d=s+h;u<d;u+=i)l+=t[Math.min(o,u)];for(let u=s,d=o;u<=d;u+=i)l+=t[Math.min(o,u+h)],e[u]=l/r,l-=t[Math.max(s,u-h)]}}var Zi=Array.prototype,Hu=Zi.slice;var ea=Math.sqrt(50),ta=Math.sqrt(10),na=Math.sqrt(2);function Et(n,r,e){let t=(r-n)/Math.max(0,e),s=Math.floor(Math.log10(t)),o=t/Math.pow(10,s),i=o>=ea?10:o>=ta?5:o>=na?2:1,l,h,u;return s<0?(u=Math.pow(10,-s)/i,l=Math.round(n*u),h=Math.round(r*u),l/u<n&&++l,h/u>r&&--h,u=-u):(u=Math.pow(10,s)*i,l=Math.round(n/u),h=Math.round(r/u),l*u<n&&++l,h*u>r&&--h),h<l&&.5<=e&&e<2?Et(n,r,e*2):[l,h,u]}function Qs(n,r,e){if(r=+r,n=+n,e=+e,!(e>0))return[];if(n===r)return[n];let t=r<n,[s,o,i]=t?Et(r,n,e):Et(n,r,e);if(!(o>=s))return[];let l=o-s+1,h=new Array(l);if(t)if(i<0)for(let u=0;u<l;++u)h[u]=(o-u)/-i;else for(let u=0;u<l;++u)h[u]=(o-u)*i;else if(i<0)for(let u=0;u<l;++u)h[u]=(s+u)/-i;else for(let u=0;u<l;++u)h[u]=(s+u)*i;return h}function qt(n,r,e){return r=+r,n=+n,e=+e,Et(n,r,e)[2]}function Xs(n,r,e){r=+r,n=+n,e=+e;let t=r<n,s=t?qt(r,n,e):qt(n,r,e);return(t?-1:1)*(s<0?1/-s:s)}var ju=ra(Math.random);function ra(n){return function(e,t=0,s=e.length){let o=s-(t=+t);for(;o;){let i=n()*o--|0,l=e[o+t];e[o+t]=e[i+t],e[i+t]=l}return e}}function Ke(n,r,e){n.prototype=r.prototype=e,e.constructor=n}function ut(n,r){var e=Object.create(n.prototype);for(var t in r)e[t]=r[t];return e}function xe(){}var He=.7,Ve=1/He,Ue="\\s*([+-]?\\d+)\\s*",at="\\s*([+-]?(?:\\d*\\.)?\\d+(?:[eE][+-]?\\d+)?)\\s*",de="\\s*([+-]?(?:\\d*\\.)?\\d+(?:[eE][+-]?\\d+)?)%\\s*",sa=/^#([0-9a-f]{3,8})$/,oa=new RegExp(`^rgb\\(${Ue},${Ue},${Ue}\\)$`),ia=new RegExp(`^rgb\\(${de},${de},${de}\\)$`),aa=new RegExp(`^rgba\\(${Ue},${Ue},${Ue},${at}\\)$`),la=new RegExp(`^rgba\\(${de},${de},${de},${at}\\)$`),ua=new RegExp(`^hsl\\(${at},${de},${de}\\)$`),ha=new RegExp(`^hsla\\(${at},${de},${de},${at}\\)$`),Zs={aliceblue:15792383,antiquewhite:16444375,aqua:65535,aquamarine:8388564,azure:15794175,beige:16119260,bisque:16770244,black:0,blanchedalmond:16772045,blue:255,blueviolet:9055202,brown:10824234,burlywood:14596231,cadetblue:6266528,chartreuse:8388352,chocolate:13789470,coral:16744272,cornflowerblue:6591981,cornsilk:16775388,crimson:14423100,cyan:65535,darkblue:139,darkcyan:35723,darkgoldenrod:12092939,darkgray:11119017,darkgreen:25600,darkgrey:11119017,darkkhaki:12433259,darkmagenta:9109643,darkolivegreen:5597999,darkorange:16747520,darkorchid:10040012,darkred:9109504,darksalmon:15308410,darkseagreen:9419919,darkslateblue:4734347,darkslategray:3100495,darkslategrey:3100495,darkturquoise:52945,darkviolet:9699539,deeppink:16716947,deepskyblue:49151,dimgray:6908265,dimgrey:6908265,dodgerblue:2003199,firebrick:11674146,floralwhite:16775920,forestgreen:2263842,fuchsia:16711935,gainsboro:14474460,ghostwhite:16316671,gold:16766720,goldenrod:14329120,gray:8421504,green:32768,greenyellow:11403055,grey:8421504,honeydew:15794160,hotpink:16738740,indianred:13458524,indigo:4915330,ivory:16777200,khaki:15787660,lavender:15132410,lavenderblush:16773365,lawngreen:8190976,lemonchiffon:16775885,lightblue:11393254,lightcoral:15761536,lightcyan:14745599,lightgoldenrodyellow:16448210,lightgray:13882323,lightgreen:9498256,lightgrey:13882323,lightpink:16758465,lightsalmon:16752762,lightseagreen:2142890,lightskyblue:8900346,lightslategray:7833753,lightslategrey:7833753,lightsteelblue:11584734,lightyellow:16777184,lime:65280,limegreen:3329330,linen:16445670,magenta:16711935,maroon:8388608,mediumaquamarine:6737322,mediumblue:205,mediumorchid:12211667,mediumpurple:9662683,mediumseagreen:3978097,mediumslateblue:8087790,mediumspringgreen:64154,mediumturquoise:4772300,mediumvioletred:13047173,midnightblue:1644912,mintcream:16121850,mistyrose:16770273,moccasin:16770229,navajowhite:16768685,navy:128,oldlace:16643558,olive:8421376,olivedrab:7048739,orange:16753920,orangered:16729344,orchid:14315734,palegoldenrod:15657130,palegreen:10025880,paleturquoise:11529966,palevioletred:14381203,papayawhip:16773077,peachpuff:16767673,peru:13468991,pink:16761035,plum:14524637,powderblue:11591910,purple:8388736,rebeccapurple:6697881,red:16711680,rosybrown:12357519,royalblue:4286945,saddlebrown:9127187,salmon:16416882,sandybrown:16032864,seagreen:3050327,seashell:16774638,sienna:10506797,silver:12632256,skyblue:8900331,slateblue:6970061,slategray:7372944,slategrey:7372944,snow:16775930,springgreen:65407,steelblue:4620980,tan:13808780,teal:32896,thistle:14204888,tomato:16737095,turquoise:4251856,violet:15631086,wheat:16113331,white:16777215,whitesmoke:16119285,yellow:16776960,yellowgreen:10145074};Ke(xe,Je,{copy(n){return Object.assign(new this.constructor,this,n)},displayable(){return this.rgb().displayable()},hex:eo,formatHex:eo,formatHex8:ca,formatHsl:da,formatRgb:to,toString:to});function eo(){return this.rgb().formatHex()}function ca(){return this.rgb().formatHex8()}function da(){return ho(this).formatHsl()}function to(){return this.rgb().formatRgb()}function Je(n){var r,e;return n=(n+"").trim().toLowerCase(),(r=sa.exec(n))?(e=r[1].length,r=parseInt(r[1],16),e===6?no(r):e===3?new J(r>>8&15|r>>4&240,r>>4&15|r&240,(r&15)<<4|r&15,1):e===8?Nt(r>>24&255,r>>16&255,r>>8&255,(r&255)/255):e===4?Nt(r>>12&15|r>>8&240,r>>8&15|r>>4&240,r>>4&15|r&240,((r&15)<<4|r&15)/255):null):(r=oa.exec(n))?new J(r[1],r[2],r[3],1):(r=ia.exec(n))?new J(r[1]*255/100,r[2]*255/100,r[3]*255/100,1):(r=aa.exec(n))?Nt(r[1],r[2],r[3],r[4]):(r=la.exec(n))?Nt(r[1]*255/100,r[2]*255/100,r[3]*255/100,r[4]):(r=ua.exec(n))?oo(r[1],r[2]/100,r[3]/100,1):(r=ha.exec(n))?oo(r[1],r[2]/100,r[3]/100,r[4]):Zs.hasOwnProperty(n)?no(Zs[n]):n==="transparent"?new J(NaN,NaN,NaN,0):null}function no(n){return new J(n>>16&255,n>>8&255,n&255,1)}function Nt(n,r,e,t){return t<=0&&(n=r=e=NaN),new J(n,r,e,t)}function Ln(n){return n instanceof xe||(n=Je(n)),n?(n=n.rgb(),new J(n.r,n.g,n.b,n.opacity)):new J}function ht(n,r,e,t){return arguments.length===1?Ln(n):new J(n,r,e,t??1)}function J(n,r,e,t){this.r=+n,this.g=+r,this.b=+e,this.opacity=+t}Ke(J,ht,ut(xe,{brighter(n){return n=n==null?Ve:Math.pow(Ve,n),new J(this.r*n,this.g*n,this.b*n,this.opacity)},darker(n){return n=n==null?He:Math.pow(He,n),new J(this.r*n,this.g*n,this.b*n,this.opacity)},rgb(){return this},clamp(){return new J(Ce(this.r),Ce(this.g),Ce(this.b),Ct(this.opacity))},displayable(){return-.5<=this.r&&this.r<255.5&&-.5<=this.g&&this.g<255.5&&-.5<=this.b&&this.b<255.5&&0<=this.opacity&&this.opacity<=1},hex:ro,formatHex:ro,formatHex8:pa,formatRgb:so,toString:so}));function ro(){return`#${Pe(this.r)}${Pe(this.g)}${Pe(this.b)}`}function pa(){return`#${Pe(this.r)}${Pe(this.g)}${Pe(this.b)}${Pe((isNaN(this.opacity)?1:this.opacity)*255)}`}function so(){let n=Ct(this.opacity);return`${n===1?"rgb(":"rgba("}${Ce(this.r)}, ${Ce(this.g)}, ${Ce(this.b)}${n===1?")":`, ${n})`}`}function Ct(n){return isNaN(n)?1:Math.max(0,Math.min(1,n))}function Ce(n){return Math.max(0,Math.min(255,Math.round(n)||0))}function Pe(n){return n=Ce(n),(n<16?"0":"")+n.toString(16)}function oo(n,r,e,t){return t<=0?n=r=e=NaN:e<=0||e>=1?n=r=NaN:r<=0&&(n=NaN),new ue(n,r,e,t)}function ho(n){if(n instanceof ue)return new ue(n.h,n.s,n.l,n.opacity);if(n instanceof xe||(n=Je(n)),!n)return new ue;if(n instanceof ue)return n;n=n.rgb();var r=n.r/255,e=n.g/255,t=n.b/255,s=Math.min(r,e,t),o=Math.max(r,e,t),i=NaN,l=o-s,h=(o+s)/2;return l?(r===o?i=(e-t)/l+(e<t)*6:e===o?i=(t-r)/l+2:i=(r-e)/l+4,l/=h<.5?o+s:2-o-s,i*=60):l=h>0&&h<1?0:i,new ue(i,l,h,n.opacity)}function Ht(n,r,e,t){return arguments.length===1?ho(n):new ue(n,r,e,t??1)}function ue(n,r,e,t){this.h=+n,this.s=+r,this.l=+e,this.opacity=+t}Ke(ue,Ht,ut(xe,{brighter(n){return n=n==null?Ve:Math.pow(Ve,n),new ue(this.h,this.s,this.l*n,this.opacity)},darker(n){return n=n==null?He:Math.pow(He,n),new ue(this.h,this.s,this.l*n,this.opacity)},rgb(){var n=this.h%360+(this.h<0)*360,r=isNaN(n)||isNaN(this.s)?0:this.s,e=this.l,t=e+(e<.5?e:1-e)*r,s=2*e-t;return new J(Cn(n>=240?n-240:n+120,s,t),Cn(n,s,t),Cn(n<120?n+240:n-120,s,t),this.opacity)},clamp(){return new ue(io(this.h),Pt(this.s),Pt(this.l),Ct(this.opacity))},displayable(){return(0<=this.s&&this.s<=1||isNaN(this.s))&&0<=this.l&&this.l<=1&&0<=this.opacity&&this.opacity<=1},formatHsl(){let n=Ct(this.opacity);return`${n===1?"hsl(":"hsla("}${io(this.h)}, ${Pt(this.s)*100}%, ${Pt(this.l)*100}%${n===1?")":`, ${n})`}`}}));function io(n){return n=(n||0)%360,n<0?n+360:n}function Pt(n){return Math.max(0,Math.min(1,n||0))}function Cn(n,r,e){return(n<60?r+(e-r)*n/60:n<180?e:n<240?r+(e-r)*(240-n)/60:r)*255}var co=Math.PI/180,po=180/Math.PI,Ot=18,mo=.96422,go=1,fo=.82521,bo=4/29,De=6/29,yo=3*De*De,ma=De*De*De;function $o(n){if(n instanceof pe)return new pe(n.l,n.a,n.b,n.opacity);if(n instanceof ye)return wo(n);n instanceof J||(n=Ln(n));var r=Wn(n.r),e=Wn(n.g),t=Wn(n.b),s=On((.2225045*r+.7168786*e+.0606169*t)/go),o,i;return r===e&&e===t?o=i=s:(o=On((.4360747*r+.3850649*e+.1430804*t)/mo),i=On((.0139322*r+.0971045*e+.7141733*t)/fo)),new pe(116*s-16,500*(o-s),200*(s-i),n.opacity)}function vo(n,r,e,t){return arguments.length===1?$o(n):new pe(n,r,e,t??1)}function pe(n,r,e,t){this.l=+n,this.a=+r,this.b=+e,this.opacity=+t}Ke(pe,vo,ut(xe,{brighter(n){return new pe(this.l+Ot*(n??1),this.a,this.b,this.opacity)},darker(n){return new pe(this.l-Ot*(n??1),this.a,this.b,this.opacity)},rgb(){var n=(this.l+16)/116,r=isNaN(this.a)?n:n+this.a/500,e=isNaN(this.b)?n:n-this.b/200;return r=mo*Hn(r),n=go*Hn(n),e=fo*Hn(e),new J(jn(3.1338561*r-1.6168667*n-.4906146*e),jn(-.9787684*r+1.9161415*n+.033454*e),jn(.0719453*r-.2289914*n+1.4052427*e),this.opacity)}}));function On(n){return n>ma?Math.pow(n,1/3):n/yo+bo}function Hn(n){return n>De?n*n*n:yo*(n-bo)}function jn(n){return 255*(n<=.0031308?12.92*n:1.055*Math.pow(n,1/2.4)-.055)}function Wn(n){return(n/=255)<=.04045?n/12.92:Math.pow((n+.055)/1.055,2.4)}function ga(n){if(n instanceof ye)return new ye(n.h,n.c,n.l,n.opacity);if(n instanceof pe||(n=$o(n)),n.a===0&&n.b===0)return new ye(NaN,0<n.l&&n.l<100?0:NaN,n.l,n.opacity);var r=Math.atan2(n.b,n.a)*po;return new ye(r<0?r+360:r,Math.sqrt(n.a*n.a+n.b*n.b),n.l,n.opacity)}function jt(n,r,e,t){return arguments.length===1?ga(n):new ye(n,r,e,t??1)}function ye(n,r,e,t){this.h=+n,this.c=+r,this.l=+e,this.opacity=+t}function wo(n){if(isNaN(n.h))return new pe(n.l,0,0,n.opacity);var r=n.h*co;return new pe(n.l,Math.cos(r)*n.c,Math.sin(r)*n.c,n.opacity)}Ke(ye,jt,ut(xe,{brighter(n){return new ye(this.h,this.c,this.l+Ot*(n??1),this.opacity)},darker(n){return new ye(this.h,this.c,this.l-Ot*(n??1),this.opacity)},rgb(){return wo(this).rgb()}}));var ko=-.14861,In=1.78277,zn=-.29227,Wt=-.90649,lt=1.97294,ao=lt*Wt,lo=lt*In,uo=In*zn-Wt*ko;function fa(n){if(n instanceof Oe)return new Oe(n.h,n.s,n.l,n.opacity);n instanceof J||(n=Ln(n));var r=n.r/255,e=n.g/255,t=n.b/255,s=(uo*t+ao*r-lo*e)/(uo+ao-lo),o=t-s,i=(lt*(e-s)-zn*o)/Wt,l=Math.sqrt(i*i+o*o)/(lt*s*(1-s)),h=l?Math.atan2(i,o)*po-120:NaN;return new Oe(h<0?h+360:h,l,s,n.opacity)}function Lt(n,r,e,t){return arguments.length===1?fa(n):new Oe(n,r,e,t??1)}function Oe(n,r,e,t){this.h=+n,this.s=+r,this.l=+e,this.opacity=+t}Ke(Oe,Lt,ut(xe,{brighter(n){return n=n==null?Ve:Math.pow(Ve,n),new Oe(this.h,this.s,this.l*n,this.opacity)},darker(n){return n=n==null?He:Math.pow(He,n),new Oe(this.h,this.s,this.l*n,this.opacity)},rgb(){var n=isNaN(this.h)?0:(this.h+120)*co,r=+this.l,e=isNaN(this.s)?0:this.s*r*(1-r),t=Math.cos(n),s=Math.sin(n);return new J(255*(r+e*(ko*t+In*s)),255*(r+e*(zn*t+Wt*s)),255*(r+e*(lt*t)),this.opacity)}}));function _o(n,r,e,t,s){var o=n*n,i=o*n;return((1-3*n+3*o-i)*r+(4-6*o+3*i)*e+(1+3*n+3*o-3*i)*t+i*s)/6}function ba(n){var r=n.length-1;return function(e){var t=e<=0?e=0:e>=1?(e=1,r-1):Math.floor(e*r),s=n[t],o=n[t+1],i=t>0?n[t-1]:2*s-o,l=t<r-1?n[t+2]:2*o-s;return _o((e-t/r)*r,i,s,o,l)}}function ya(n){var r=n.length;return function(e){var t=Math.floor(((e%=1)<0?++e:e)*r),s=n[(t+r-1)%r],o=n[t%r],i=n[(t+1)%r],l=n[(t+2)%r];return _o((e-t/r)*r,s,o,i,l)}}var zt=n=>()=>n;function Mo(n,r){return function(e){return n+e*r}}function $a(n,r,e){return n=Math.pow(n,e),r=Math.pow(r,e)-n,e=1/e,function(t){return Math.pow(n+t*r,e)}}function Vn(n,r){var e=r-n;return e?Mo(n,e>180||e<-180?e-360*Math.round(e/360):e):zt(isNaN(n)?r:n)}function va(n){return(n=+n)==1?re:function(r,e){return e-r?$a(r,e,n):zt(isNaN(r)?e:r)}}function re(n,r){var e=r-n;return e?Mo(n,e):zt(isNaN(n)?r:n)}var xo=(function n(r){var e=va(r);function t(s,o){var i=e((s=ht(s)).r,(o=ht(o)).r),l=e(s.g,o.g),h=e(s.b,o.b),u=re(s.opacity,o.opacity);return function(d){return s.r=i(d),s.g=l(d),s.b=h(d),s.opacity=u(d),s+""}}return t.gamma=n,t})(1);function Ro(n){return function(r){var e=r.length,t=new Array(e),s=new Array(e),o=new Array(e),i,l;for(i=0;i<e;++i)l=ht(r[i]),t[i]=l.r||0,s[i]=l.g||0,o[i]=l.b||0;return t=n(t),s=n(s),o=n(o),l.opacity=1,function(h){return l.r=t(h),l.g=s(h),l.b=o(h),l+""}}}var zu=Ro(ba),Bu=Ro(ya);function wa(n,r){r||(r=[]);var e=n?Math.min(r.length,n.length):0,t=r.slice(),s;return function(o){for(s=0;s<e;++s)t[s]=n[s]*(1-o)+r[s]*o;return t}}function ka(n){return ArrayBuffer.isView(n)&&!(n instanceof DataView)}function xa(n,r){var e=r?r.length:0,t=n?Math.min(e,n.length):0,s=new Array(t),o=new Array(e),i;for(i=0;i<t;++i)s[i]=Bt(n[i],r[i]);for(;i<e;++i)o[i]=r[i];return function(l){for(i=0;i<t;++i)o[i]=s[i](l);return o}}function Ta(n,r){var e=new Date;return n=+n,r=+r,function(t){return e.setTime(n*(1-t)+r*t),e}}function he(n,r){return n=+n,r=+r,function(e){return n*(1-e)+r*e}}function Aa(n,r){var e={},t={},s;(n===null||typeof n!="object")&&(n={}),(r===null||typeof r!="object")&&(r={});for(s in r)s in n?e[s]=Bt(n[s],r[s]):t[s]=r[s];return function(o){for(s in e)t[s]=e[s](o);return t}}var Un=/[-+]?(?:\d+\.?\d*|\.?\d+)(?:[eE][-+]?\d+)?/g,Bn=new RegExp(Un.source,"g");function _a(n){return function(){return n}}function Ma(n){return function(r){return n(r)+""}}function Ra(n,r){var e=Un.lastIndex=Bn.lastIndex=0,t,s,o,i=-1,l=[],h=[];for(n=n+"",r=r+"";(t=Un.exec(n))&&(s=Bn.exec(r));)(o=s.index)>e&&(o=r.slice(e,o),l[i]?l[i]+=o:l[++i]=o),(t=t[0])===(s=s[0])?l[i]?l[i]+=s:l[++i]=s:(l[++i]=null,h.push({i,x:he(t,s)})),e=Bn.lastIndex;return e<r.length&&(o=r.slice(e),l[i]?l[i]+=o:l[++i]=o),l.length<2?h[0]?Ma(h[0].x):_a(r):(r=h.length,function(u){for(var d=0,c;d<r;++d)l[(c=h[d]).i]=c.x(u);return l.join("")})}function Bt(n,r){var e=typeof r,t;return r==null||e==="boolean"?zt(r):(e==="number"?he:e==="string"?(t=Je(r))?(r=t,xo):Ra:r instanceof Je?xo:r instanceof Date?Ta:ka(r)?wa:Array.isArray(r)?xa:typeof r.valueOf!="function"&&typeof r.toString!="function"||isNaN(r)?Aa:he)(n,r)}function So(n,r){return n=+n,r=+r,function(e){return Math.round(n*(1-e)+r*e)}}var To=180/Math.PI,Dn={translateX:0,translateY:0,rotate:0,skewX:0,scaleX:1,scaleY:1};function Eo(n,r,e,t,s,o){var i,l,h;return(i=Math.sqrt(n*n+r*r))&&(n/=i,r/=i),(h=n*e+r*t)&&(e-=n*h,t-=r*h),(l=Math.sqrt(e*e+t*t))&&(e/=l,t/=l,h/=l),n*t<r*e&&(n=-n,r=-r,h=-h,i=-i),{translateX:s,translateY:o,rotate:Math.atan2(r,n)*To,skewX:Math.atan(h)*To,scaleX:i,scaleY:l}}var It;function Sa(n){let r=new(typeof DOMMatrix=="function"?DOMMatrix:WebKitCSSMatrix)(n+"");return r.isIdentity?Dn:Eo(r.a,r.b,r.c,r.d,r.e,r.f)}function Ea(n){return n==null||(It||(It=document.createElementNS("http://www.w3.org/2000/svg","g")),It.setAttribute("transform",n),!(n=It.transform.baseVal.consolidate()))?Dn:(n=n.matrix,Eo(n.a,n.b,n.c,n.d,n.e,n.f))}function qo(n,r,e,t){function s(u){return u.length?u.pop()+" ":""}function o(u,d,c,p,y,f){if(u!==c||d!==p){var g=y.push("translate(",null,r,null,e);f.push({i:g-4,x:he(u,c)},{i:g-2,x:he(d,p)})}else(c||p)&&y.push("translate("+c+r+p+e)}function i(u,d,c,p){u!==d?(u-d>180?d+=360:d-u>180&&(u+=360),p.push({i:c.push(s(c)+"rotate(",null,t)-2,x:he(u,d)})):d&&c.push(s(c)+"rotate("+d+t)}function l(u,d,c,p){u!==d?p.push({i:c.push(s(c)+"skewX(",null,t)-2,x:he(u,d)}):d&&c.push(s(c)+"skewX("+d+t)}function h(u,d,c,p,y,f){if(u!==c||d!==p){var g=y.push(s(y)+"scale(",null,",",null,")");f.push({i:g-4,x:he(u,c)},{i:g-2,x:he(d,p)})}else(c!==1||p!==1)&&y.push(s(y)+"scale("+c+","+p+")")}return function(u,d){var c=[],p=[];return u=n(u),d=n(d),o(u.translateX,u.translateY,d.translateX,d.translateY,c,p),i(u.rotate,d.rotate,c,p),l(u.skewX,d.skewX,c,p),h(u.scaleX,u.scaleY,d.scaleX,d.scaleY,c,p),u=d=null,function(y){for(var f=-1,g=p.length,k;++f<g;)c[(k=p[f]).i]=k.x(y);return c.join("")}}}var Uu=qo(Sa,"px, ","px)","deg)"),Du=qo(Ea,", ",")",")"),qa=1e-12;function Ao(n){return((n=Math.exp(n))+1/n)/2}function Na(n){return((n=Math.exp(n))-1/n)/2}function Pa(n){return((n=Math.exp(2*n))-1)/(n+1)}var Vu=(function n(r,e,t){function s(o,i){var l=o[0],h=o[1],u=o[2],d=i[0],c=i[1],p=i[2],y=d-l,f=c-h,g=y*y+f*f,k,x;if(g<qa)x=Math.log(p/u)/r,k=function(ne){return[l+ne*y,h+ne*f,u*Math.exp(r*ne*x)]};else{var $=Math.sqrt(g),w=(p*p-u*u+t*g)/(2*u*e*$),S=(p*p-u*u-t*g)/(2*p*e*$),B=Math.log(Math.sqrt(w*w+1)-w),W=Math.log(Math.sqrt(S*S+1)-S);x=(W-B)/r,k=function(ne){var _e=ne*x,Xe=Ao(B),yt=u/(e*$)*(Xe*Pa(r*_e+B)-Na(B));return[l+yt*y,h+yt*f,u*Xe/Ao(r*_e+B)]}}return k.duration=Math.abs(x)*1e3*r/Math.SQRT2,k}return s.rho=function(o){var i=Math.max(.001,+o),l=i*i,h=l*l;return n(i,l,h)},s})(Math.SQRT2,2,4);function No(n){return function(r,e){var t=n((r=Ht(r)).h,(e=Ht(e)).h),s=re(r.s,e.s),o=re(r.l,e.l),i=re(r.opacity,e.opacity);return function(l){return r.h=t(l),r.s=s(l),r.l=o(l),r.opacity=i(l),r+""}}}var Ku=No(Vn),Ju=No(re);function Po(n){return function(r,e){var t=n((r=jt(r)).h,(e=jt(e)).h),s=re(r.c,e.c),o=re(r.l,e.l),i=re(r.opacity,e.opacity);return function(l){return r.h=t(l),r.c=s(l),r.l=o(l),r.opacity=i(l),r+""}}}var Fu=Po(Vn),Gu=Po(re);function Co(n){return(function r(e){e=+e;function t(s,o){var i=n((s=Lt(s)).h,(o=Lt(o)).h),l=re(s.s,o.s),h=re(s.l,o.l),u=re(s.opacity,o.opacity);return function(d){return s.h=i(d),s.s=l(d),s.l=h(Math.pow(d,e)),s.opacity=u(d),s+""}}return t.gamma=r,t})(1)}var Yu=Co(Vn),Qu=Co(re);function Ca(n){return Math.abs(n=Math.round(n))>=1e21?n.toLocaleString("en").replace(/,/g,""):n.toString(10)}function Dt(n,r){if(!isFinite(n)||n===0)return null;var e=(n=r?n.toExponential(r-1):n.toExponential()).indexOf("e"),t=n.slice(0,e);return[t.length>1?t[0]+t.slice(2):t,+n.slice(e+1)]}function Fe(n){return n=Dt(Math.abs(n)),n?n[1]:NaN}function Oa(n,r){return function(e,t){for(var s=e.length,o=[],i=0,l=n[0],h=0;s>0&&l>0&&(h+l+1>t&&(l=Math.max(1,t-h)),o.push(e.substring(s-=l,s+l)),!((h+=l+1)>t));)l=n[i=(i+1)%n.length];return o.reverse().join(r)}}function Ha(n){return function(r){return r.replace(/[0-9]/g,function(e){return n[+e]})}}var ja=/^(?:(.)?([<>=^]))?([+\-( ])?([$#])?(0)?(\d+)?(,)?(\.\d+)?(~)?([a-z%])?$/i;function ct(n){if(!(r=ja.exec(n)))throw new Error("invalid format: "+n);var r;return new Kn({fill:r[1],align:r[2],sign:r[3],symbol:r[4],zero:r[5],width:r[6],comma:r[7],precision:r[8]&&r[8].slice(1),trim:r[9],type:r[10]})}ct.prototype=Kn.prototype;function Kn(n){this.fill=n.fill===void 0?" ":n.fill+"",this.align=n.align===void 0?">":n.align+"",this.sign=n.sign===void 0?"-":n.sign+"",this.symbol=n.symbol===void 0?"":n.symbol+"",this.zero=!!n.zero,this.width=n.width===void 0?void 0:+n.width,this.comma=!!n.comma,this.precision=n.precision===void 0?void 0:+n.precision,this.trim=!!n.trim,this.type=n.type===void 0?"":n.type+""}Kn.prototype.toString=function(){return this.fill+this.align+this.sign+this.symbol+(this.zero?"0":"")+(this.width===void 0?"":Math.max(1,this.width|0))+(this.comma?",":"")+(this.precision===void 0?"":"."+Math.max(0,this.precision|0))+(this.trim?"~":"")+this.type};function Wa(n){e:for(var r=n.length,e=1,t=-1,s;e<r;++e)switch(n[e]){case".":t=s=e;break;case"0":t===0&&(t=e),s=e;break;default:if(!+n[e])break e;t>0&&(t=0);break}return t>0?n.slice(0,t)+n.slice(s+1):n}var Vt;function La(n,r){var e=Dt(n,r);if(!e)return Vt=void 0,n.toPrecision(r);var t=e[0],s=e[1],o=s-(Vt=Math.max(-8,Math.min(8,Math.floor(s/3)))*3)+1,i=t.length;return o===i?t:o>i?t+new Array(o-i+1).join("0"):o>0?t.slice(0,o)+"."+t.slice(o):"0."+new Array(1-o).join("0")+Dt(n,Math.max(0,r+o-1))[0]}function Oo(n,r){var e=Dt(n,r);if(!e)return n+"";var t=e[0],s=e[1];return s<0?"0."+new Array(-s).join("0")+t:t.length>s+1?t.slice(0,s+1)+"."+t.slice(s+1):t+new Array(s-t.length+2).join("0")}var Ho={"%":(n,r)=>(n*100).toFixed(r),b:n=>Math.round(n).toString(2),c:n=>n+"",d:Ca,e:(n,r)=>n.toExponential(r),f:(n,r)=>n.toFixed(r),g:(n,r)=>n.toPrecision(r),o:n=>Math.round(n).toString(8),p:(n,r)=>Oo(n*100,r),r:Oo,s:La,X:n=>Math.round(n).toString(16).toUpperCase(),x:n=>Math.round(n).toString(16)};function jo(n){return n}var Wo=Array.prototype.map,Lo=["y","z","a","f","p","n","µ","m","","k","M","G","T","P","E","Z","Y"];function Ia(n){var r=n.grouping===void 0||n.thousands===void 0?jo:Oa(Wo.call(n.grouping,Number),n.thousands+""),e=n.currency===void 0?"":n.currency[0]+"",t=n.currency===void 0?"":n.currency[1]+"",s=n.decimal===void 0?".":n.decimal+"",o=n.numerals===void 0?jo:Ha(Wo.call(n.numerals,String)),i=n.percent===void 0?"%":n.percent+"",l=n.minus===void 0?"−":n.minus+"",h=n.nan===void 0?"NaN":n.nan+"";function u(c,p){c=ct(c);var y=c.fill,f=c.align,g=c.sign,k=c.symbol,x=c.zero,$=c.width,w=c.comma,S=c.precision,B=c.trim,W=c.type;W==="n"?(w=!0,W="g"):Ho[W]||(S===void 0&&(S=12),B=!0,W="g"),(x||y==="0"&&f==="=")&&(x=!0,y="0",f="=");var ne=(p&&p.prefix!==void 0?p.prefix:"")+(k==="$"?e:k==="#"&&/[boxX]/.test(W)?"0"+W.toLowerCase():""),_e=(k==="$"?t:/[%p]/.test(W)?i:"")+(p&&p.suffix!==void 0?p.suffix:""),Xe=Ho[W],yt=/[defgprs%]/.test(W);S=S===void 0?6:/[gprs]/.test(W)?Math.max(1,Math.min(21,S)):Math.max(0,Math.min(20,S));function $s(O){var Me=ne,ae=_e,We,vs,$t;if(W==="c")ae=Xe(O)+ae,O="";else{O=+O;var vt=O<0||1/O<0;if(O=isNaN(O)?h:Xe(Math.abs(O),S),B&&(O=Wa(O)),vt&&+O==0&&g!=="+"&&(vt=!1),Me=(vt?g==="("?g:l:g==="-"||g==="("?"":g)+Me,ae=(W==="s"&&!isNaN(O)&&Vt!==void 0?Lo[8+Vt/3]:"")+ae+(vt&&g==="("?")":""),yt){for(We=-1,vs=O.length;++We<vs;)if($t=O.charCodeAt(We),48>$t||$t>57){ae=($t===46?s+O.slice(We+1):O.slice(We))+ae,O=O.slice(0,We);break}}}w&&!x&&(O=r(O,1/0));var wt=Me.length+O.length+ae.length,me=wt<$?new Array($-wt+1).join(y):"";switch(w&&x&&(O=r(me+O,me.length?$-ae.length:1/0),me=""),f){case"<":O=Me+O+ae+me;break;case"=":O=Me+me+O+ae;break;case"^":O=me.slice(0,wt=me.length>>1)+Me+O+ae+me.slice(wt);break;default:O=me+Me+O+ae;break}return o(O)}return $s.toString=function(){return c+""},$s}function d(c,p){var y=Math.max(-8,Math.min(8,Math.floor(Fe(p)/3)))*3,f=Math.pow(10,-y),g=u((c=ct(c),c.type="f",c),{suffix:Lo[8+y/3]});return function(k){return g(f*k)}}return{format:u,formatPrefix:d}}var Ut,Jn,Fn;za({thousands:",",grouping:[3],currency:["$",""]});function za(n){return Ut=Ia(n),Jn=Ut.format,Fn=Ut.formatPrefix,Ut}function Io(n){return Math.max(0,-Fe(Math.abs(n)))}function zo(n,r){return Math.max(0,Math.max(-8,Math.min(8,Math.floor(Fe(r)/3)))*3-Fe(Math.abs(n)))}function Bo(n,r){return n=Math.abs(n),r=Math.abs(r)-n,Math.max(0,Fe(r)-Fe(n))+1}function Ko(n,r){switch(arguments.length){case 0:break;case 1:this.range(n);break;default:this.range(r).domain(n);break}return this}function Ba(n){return function(){return n}}function Ua(n){return+n}var Uo=[0,1];function Ge(n){return n}function Gn(n,r){return(r-=n=+n)?function(e){return(e-n)/r}:Ba(isNaN(r)?NaN:.5)}function Da(n,r){var e;return n>r&&(e=n,n=r,r=e),function(t){return Math.max(n,Math.min(r,t))}}function Va(n,r,e){var t=n[0],s=n[1],o=r[0],i=r[1];return s<t?(t=Gn(s,t),o=e(i,o)):(t=Gn(t,s),o=e(o,i)),function(l){return o(t(l))}}function Ka(n,r,e){var t=Math.min(n.length,r.length)-1,s=new Array(t),o=new Array(t),i=-1;for(n[t]<n[0]&&(n=n.slice().reverse(),r=r.slice().reverse());++i<t;)s[i]=Gn(n[i],n[i+1]),o[i]=e(r[i],r[i+1]);return function(l){var h=Fs(n,l,1,t)-1;return o[h](s[h](l))}}function Jo(n,r){return r.domain(n.domain()).range(n.range()).interpolate(n.interpolate()).clamp(n.clamp()).unknown(n.unknown())}function Fo(){var n=Uo,r=Uo,e=Bt,t,s,o,i=Ge,l,h,u;function d(){var p=Math.min(n.length,r.length);return i!==Ge&&(i=Da(n[0],n[p-1])),l=p>2?Ka:Va,h=u=null,c}function c(p){return p==null||isNaN(p=+p)?o:(h||(h=l(n.map(t),r,e)))(t(i(p)))}return c.invert=function(p){return i(s((u||(u=l(r,n.map(t),he)))(p)))},c.domain=function(p){return arguments.length?(n=Array.from(p,Ua),d()):n.slice()},c.range=function(p){return arguments.length?(r=Array.from(p),d()):r.slice()},c.rangeRound=function(p){return r=Array.from(p),e=So,d()},c.clamp=function(p){return arguments.length?(i=p?!0:Ge,d()):i!==Ge},c.interpolate=function(p){return arguments.length?(e=p,d()):e},c.unknown=function(p){return arguments.length?(o=p,c):o},function(p,y){return t=p,s=y,d()}}function Ja(){return Fo()(Ge,Ge)}function Fa(n,r,e,t){var s=Xs(n,r,e),o;switch(t=ct(t??",f"),t.type){case"s":{var i=Math.max(Math.abs(n),Math.abs(r));return t.precision==null&&!isNaN(o=zo(s,i))&&(t.precision=o),Fn(t,i)}case"":case"e":case"g":case"p":case"r":{t.precision==null&&!isNaN(o=Bo(s,Math.max(Math.abs(n),Math.abs(r))))&&(t.precision=o-(t.type==="e"));break}case"f":case"%":{t.precision==null&&!isNaN(o=Io(s))&&(t.precision=o-(t.type==="%")*2);break}}return Jn(t)}function Go(n){var r=n.domain;return n.ticks=function(e){var t=r();return Qs(t[0],t[t.length-1],e??10)},n.tickFormat=function(e,t){var s=r();return Fa(s[0],s[s.length-1],e??10,t)},n.nice=function(e){e==null&&(e=10);var t=r(),s=0,o=t.length-1,i=t[s],l=t[o],h,u,d=10;for(l<i&&(u=i,i=l,l=u,u=s,s=o,o=u);d-- >0;){if(u=qt(i,l,e),u===h)return t[s]=i,t[o]=l,r(t);if(u>0)i=Math.floor(i/u)*u,l=Math.ceil(l/u)*u;else if(u<0)i=Math.ceil(i*u)/u,l=Math.floor(l*u)/u;else break;h=u}return n},n}function Kt(){var n=Ja();return n.copy=function(){return Jo(n,Kt())},Ko.apply(n,arguments),Go(n)}function Do(n){return function(r){return Math.sign(r)*Math.log1p(Math.abs(r/n))}}function Vo(n){return function(r){return Math.sign(r)*Math.expm1(Math.abs(r))*n}}function Ga(n){var r=1,e=n(Do(r),Vo(r));return e.constant=function(t){return arguments.length?n(Do(r=+t),Vo(r)):r},Go(e)}function Yn(){var n=Ga(Fo());return n.copy=function(){return Jo(n,Yn()).constant(n.constant())},Ko.apply(n,arguments)}var Ya=["","6 3","2 3","10 3 2 3","4 4","1 4"],Qn=class extends K{constructor(){super(...arguments);this.series=[];this.x="";this.y="";this.label="";this.rules=[];this.domain=null;this.xDomain=null;this.log=!1;this.height=240;this.cursor=null;this.table=!1}static{this.properties={series:{attribute:!1},x:{},y:{},label:{},rules:{attribute:!1},domain:{attribute:!1},xDomain:{attribute:!1},log:{type:Boolean},height:{type:Number},cursor:{type:Number},table:{state:!0}}}render(){let e=Math.max(this.width||600,200),{height:t}=this,s=this.series.flatMap($=>$.points).filter(([$,w])=>Number.isFinite($)&&Number.isFinite(w)),o=s.map(([$])=>$),i=[...s.map(([,$])=>$),...this.rules.map($=>$.y)],[l,h,u,d]=[48,12,12,38],c=this.xDomain??(o.length?[Math.min(...o),Math.max(...o)]:[0,1]),p=this.domain??(i.length?[Math.min(0,...i),Math.max(...i)]:[0,1]),y=(this.log?Yn():Kt()).domain(c).range([l,e-h]),f=Kt().domain(p).range([t-d,u]).nice(),g=e<420?4:6,k=$=>$.points.filter(([w,S])=>Number.isFinite(w)&&Number.isFinite(S)).map(([w,S],B)=>`${B?"L":"M"}${y(w).toFixed(1)} ${f(S).toFixed(1)}`).join(""),x=($,w)=>$.predicted?"2 4":$.dashed?"6 3":$.role?"":Ya[w%6];return a`<figure class="lines">
      <svg width=${e} height=${t} role="img" aria-label="${this.label||`${this.y} by ${this.x}`}">
        ${f.ticks(5).map($=>I`<line x1=${l} x2=${e-h} y1=${f($)} y2=${f($)} class="grid"></line><text x=${l-6} y=${f($)+4} class="tick" text-anchor="end">${$}</text>`)}
        ${(this.log?Qa(c,g):y.ticks(g)).map($=>I`<text x=${y($)} y=${t-d+16} class="tick" text-anchor="middle">${$}</text>`)}
        <text x=${(l+e-h)/2} y=${t-4} class="axis" text-anchor="middle">${this.x}</text>
        <text x="12" y=${(u+t-d)/2} class="axis" text-anchor="middle" transform="rotate(-90 12 ${(u+t-d)/2})">${this.y}</text>
        ${this.rules.map($=>I`<line x1=${l} x2=${e-h} y1=${f($.y)} y2=${f($.y)} class="rule"></line><text x=${e-h} y=${f($.y)-4} class="tick halo" text-anchor="end">${$.label} ${b($.y)}</text>`)}
        ${this.cursor===null?m:I`<line x1=${y(this.cursor)} x2=${y(this.cursor)} y1=${u} y2=${t-d} class="cursor"></line>`}
        ${this.series.map(($,w)=>I`<path d=${k($)} fill="none" stroke=${$.predicted?"var(--guess)":fe($.role,w)} stroke-width="2" stroke-dasharray=${x($,w)} stroke-linejoin="round"></path>
          ${$.points.length===1?I`<circle cx=${y($.points[0][0])} cy=${f($.points[0][1])} r="3" fill=${fe($.role,w)}></circle>`:m}`)}
      </svg>
      <ul class="legend">
        ${this.series.map(($,w)=>a`<li><svg class="swatch wide" viewBox="0 0 20 12" aria-hidden="true"><path d="M0 6H20" fill="none" stroke=${$.predicted?"var(--guess)":fe($.role,w)} stroke-width="2.5" stroke-dasharray=${x($,w)}></path></svg>${$.label}${$.role?a` <span class="role-tag ${$.role}">${$.role}</span>`:m}${$.points.length?a` <span class="quiet">${b($.points.at(-1)[1])}</span>`:m}</li>`)}
      </ul>
      ${ke(this.table,()=>this.table=!this.table,this.label||`${this.y} by ${this.x}`,[this.x||"x",...this.series.map($=>$.label)],()=>{let $=[...new Set(o)].sort((S,B)=>S-B),w=this.series.map(S=>new Map(S.points));return $.map(S=>[b(S,Number.isInteger(S)?0:2),...w.map(B=>B.has(S)?b(B.get(S),3):"")])})}
    </figure>`}};function Qa([n,r],e){let t=n<=0?[0]:[];for(let s=1;s<=r;s*=10)s>=n&&t.push(s);return t.length>e?t.filter((s,o)=>o%2===0):t}V("rung-lines",Qn);var Xn=class extends K{constructor(){super(...arguments);this.grids=[];this.labels=[];this.scores=[];this.keys=[];this.selected=null;this.label="Heads"}static{this.properties={grids:{attribute:!1},labels:{attribute:!1},scores:{attribute:!1},keys:{attribute:!1},selected:{type:Number},label:{}}}render(){return a`<ul class="thumbs" aria-label=${this.label}>
      ${this.grids.map((e,t)=>{let s=this.keys[t];return a`<li>
          <button
            type="button"
            class="thumb ${s!==void 0&&A.current===s?"lit":""}"
            aria-pressed=${t===this.selected?"true":"false"}
            @click=${()=>this.dispatchEvent(new CustomEvent("pick",{detail:{index:t},bubbles:!0}))}
            @pointerenter=${()=>s&&A.peek(s)}
            @pointerleave=${()=>s&&A.peek(null)}
          >
            <canvas aria-hidden="true"></canvas>
            <span class="thumb-label">${this.labels[t]??t}</span>
            <span class="thumb-score">${this.scores[t]??""}</span>
          </button>
        </li>`})}
    </ul>`}updated(){let e=this.querySelectorAll("canvas");this.grids.forEach((t,s)=>Xa(e[s],t))}};function Xa(n,r){let[e,t]=[r.shape[0],r.shape[1]];n.width=t,n.height=e;let s=new ImageData(t,e);for(let o=0;o<e*t;o++)s.data.set([...Mt(r.data[o]),255],4*o);n.getContext("2d").putImageData(s,0,0)}V("rung-thumbs",Xn);var Zn=class extends K{constructor(){super(...arguments);this.tokens=[];this.selected=null;this.marks=[];this.label="Tokens";this.at=0;this.keys=e=>{let t=[...this.querySelectorAll(".tok")],s=t.indexOf(document.activeElement),o={ArrowLeft:s-1,ArrowRight:s+1,Home:0,End:t.length-1}[e.key];if(o===void 0||s<0)return;e.preventDefault();let i=t[Math.min(Math.max(o,0),t.length-1)];for(let l of t)l.tabIndex=l===i?0:-1;i.focus(),A.peek(`pos:${t.indexOf(i)}`)}}static{this.properties={tokens:{attribute:!1},selected:{type:Number},marks:{attribute:!1},label:{},at:{state:!0}}}render(){let e=Math.min(this.selected??this.at,this.tokens.length-1),t=new Map(this.marks.map(s=>[s.index,s]));return a`<div class="tokens" role="group" aria-label=${this.label} @keydown=${this.keys}>
      ${this.tokens.map((s,o)=>{let i=t.get(o),l=A.current===`pos:${o}`;return a`<button
          type="button"
          class="tok ${l?"lit":""} ${i?.role??""} ${i?"marked":""}"
          tabindex=${o===e?0:-1}
          aria-pressed=${o===this.selected?"true":"false"}
          aria-label="${o} ${z(s)}${i?` ${i.label}`:""}"
          @click=${()=>this.pick(o)}
          @pointerenter=${()=>A.peek(`pos:${o}`)}
          @pointerleave=${()=>A.peek(null)}
        ><span class="index">${o}</span> ${z(s)}${i?a` <span class="mark">${i.label}</span>`:""}</button>`})}
    </div>`}pick(e){this.at=e,this.dispatchEvent(new CustomEvent("pick",{detail:{index:e},bubbles:!0}))}};V("rung-tokens",Zn);var Yo=new Set,er=new Set,se={done:n=>Yo.has(n),tell(n){Yo.add(n);for(let r of[...er])r(n)},subscribe(n){return er.add(n),()=>er.delete(n)}};var M=class n{constructor(r,e){this.shape=r;this.data=e;if(r.reduce((s,o)=>s*o,1)!==e.length)throw new RangeError(`${e.length} numbers do not fill the shape [${r.join(", ")}]`)}static from(r){let e=atob(r.data),t=Uint8Array.from(e,i=>i.charCodeAt(0)),s=new DataView(t.buffer),o=new Float32Array(t.length>>2);for(let i=0;i<o.length;i++)o[i]=s.getFloat32(4*i,!0);return new n(r.shape,o)}static of(r,e){return new n(r,Float32Array.from(e))}at(...r){return this.data[this.offset(r)]}slice(...r){let e=this.shape.slice(r.length),t=e.reduce((o,i)=>o*i,1),s=this.offset(r);return new n(e,this.data.subarray(s,s+t))}max(){return this.data.reduce((r,e)=>Math.max(r,e),-1/0)}min(){return this.data.reduce((r,e)=>Math.min(r,e),1/0)}offset(r){let e=0;for(let t=0;t<this.shape.length;t++){let s=this.shape[t],o=r[t]??0;if(!(o>=0&&o<s))throw new RangeError(`index ${o} is outside axis ${t} of ${s}`);e=e*s+o}return e}};var ee=class extends Error{constructor(e,t="error"){super(e);this.kind=t;this.name="LabError"}},tr=new Set,te={status:"ok",run:null,set(n){if(n!==te.status){te.status=n;for(let r of[...tr])r()}},subscribe(n){return tr.add(n),()=>tr.delete(n)}},Za="The lab was restarted since this page was opened. Open the address that rung lab printed last; what you set is in this page's address, and your pins are kept.",Qo="The lab does not answer: it was stopped, or the connection broke. Start rung lab again, or press Run once more; nothing that you typed is lost.",el=(()=>{let n=new Uint8Array(9);return globalThis.crypto?.getRandomValues(n),Array.from(n,r=>r.toString(36).padStart(2,"0")).join("")})();async function Xo(n){let r=`the server answered ${n.status}`,e=String(n.status);try{let t=await n.json();typeof t.message=="string"&&(r=t.message),typeof t.kind=="string"&&(e=t.kind)}catch{}return n.status===401?(te.set("restarted"),new ee(Za,"restarted")):new ee(r,e)}var nr=async(n,r,e)=>{let t;try{t=await fetch(n,{method:"POST",headers:{"content-type":"application/json"},body:r,credentials:"same-origin",signal:e})}catch(s){throw e?.aborted?s:(te.set("lost"),new ee(Qo,"lost"))}if(!t.ok)throw await Xo(t);return t};async function*tl(n){let r=n.getReader(),e=new TextDecoder,t="";try{for(;;){let{done:s,value:o}=await r.read();t+=e.decode(o,{stream:!s});let i=s?t:t.replace(/\r$/,""),l=t.slice(i.length),h=i.replace(/\r\n?/g,`
`).split(`

`);t=(h.pop()??"")+l;for(let u of h){let d={name:"message",data:""},c=[];for(let p of u.split(`
`)){let y=p.indexOf(":");if(y===0)continue;let f=y<0?p:p.slice(0,y),g=y<0?"":p.slice(y+1).replace(/^ /,"");f==="event"&&(d.name=g),f==="data"&&c.push(g)}c.length&&(d.data=c.join(`
`),yield d)}if(s)return}}finally{r.cancel().catch(()=>{})}}var nl={async run(n,r,{signal:e,onProgress:t}){let s=await nr("/api/run",JSON.stringify({computation:n,ask:r,tab:el}),e);te.set("ok");try{for await(let o of tl(s.body)){let i=JSON.parse(o.data);if(o.name==="progress")t?.(i);else{if(o.name==="answer")return i;if(o.name==="error")throw new ee(String(i.message),String(i.kind??"error"));if(o.name==="cancelled")throw new ee("The computation was cancelled.","cancelled")}}}catch(o){if(o instanceof ee||e.aborted)throw o}throw e.aborted?e.reason:(te.set("lost"),new ee(Qo,"lost"))},async session(){let n=await fetch("/api/session",{credentials:"same-origin"});if(!n.ok)throw await Xo(n);return await n.json()},async check(n){return await(await nr("/api/drawer",n)).json()},async save(n){return await(await nr("/api/drawer/save",JSON.stringify(n))).json()}},Gt=nl;var rr=()=>Gt,Jt=new Map,Te=n=>n instanceof DOMException&&n.name==="AbortError";async function F(n,r,e){Jt.get(e.panel)?.abort();let t=new AbortController;Jt.set(e.panel,t);let s=()=>t.abort();e.signal?.aborted&&s(),e.signal?.addEventListener("abort",s);try{let o=await Gt.run(n,r,{signal:t.signal,onProgress:i=>{t.signal.aborted||e.onProgress?.(i)}});if(t.signal.aborted)throw t.signal.reason;return o}finally{e.signal?.removeEventListener("abort",s),Jt.get(e.panel)===t&&Jt.delete(e.panel)}}var Ft=null;function Yt(){return Ft??=Gt.session().then(n=>(te.run=n.run,n)),Ft.catch(()=>Ft=null),Ft}async function sr(){try{let n=await Gt.session();te.set(te.run===null||n.run===te.run?"ok":"restarted")}catch(n){te.set(n instanceof ee&&n.kind==="restarted"?"restarted":"lost")}}var Qt="rung-drawer:",or=new Set,je=`${Qt}none`,Xt=n=>{try{let r=localStorage.getItem(n);return r===null?null:JSON.parse(r)}catch{return null}},rl=n=>typeof n=="object"&&n!==null&&n.format==="rung-drawer",_={pins:[],proof:null,add(n){let r=JSON.stringify([n.panel,n.test,n.subject,n.title,n.ask]),e=_.pins.filter(s=>JSON.stringify([s.panel,s.test,s.subject,s.title,s.ask])!==r),t=new Date().toISOString();_.pins=[...e,{...n,id:`${t}-${e.length}`,at:t}],Ye()},remove(n){_.pins=_.pins.filter(r=>r.id!==n),Ye()},clear(){_.pins=[],_.proof=null,Ye()},setProof(n){_.proof=n,Ye()},file(){return{format:"rung-drawer",version:1,run:je.slice(Qt.length),saved:new Date().toISOString(),pins:_.pins,proof:_.proof}},async download(){let n=_.pins.map(({id:s,at:o,...i})=>i),r=await rr().save({pins:n,proof:_.proof}),e=URL.createObjectURL(new Blob([r.text],{type:"application/json"})),t=document.createElement("a");t.href=e,t.download=r.name,t.click(),setTimeout(()=>URL.revokeObjectURL(e),1e3)},async open(n){_.show(await rr().check(n))},show(n){if(n.drawer){_.pins=[];for(let r of n.drawer.pins)_.add(r);_.proof=n.drawer.proof??null}else n.record!==null&&(_.proof=JSON.parse(n.record));Ye()},earlier(){let n=[];for(let r=0;r<localStorage.length;r++){let e=localStorage.key(r);if(!e.startsWith(Qt)||e===je)continue;let t=Xt(e);t?.pins?.length&&n.push({key:e,pins:t.pins,saved:t.saved??""})}return n.sort((r,e)=>e.saved.localeCompare(r.saved))},bringBack(n){let r=Xt(n);if(!r)return;let e=new Set(_.pins.map(t=>t.id));_.pins=[..._.pins,...(r.pins??[]).filter(t=>!e.has(t.id))],_.proof??=r.proof??null,localStorage.removeItem(n),Ye()},subscribe(n){return or.add(n),()=>or.delete(n)}},ei=()=>{for(let n of[...or])n()};function Ye(){try{localStorage.setItem(je,JSON.stringify(_.file()))}catch{}ei()}function Zo(){let n=Xt(je);rl(n)&&(_.pins=n.pins??[],_.proof=n.proof??null),ei()}async function ti(){let n=await Yt();je=Qt+n.run;let r=Xt(je)===null;Zo(),r&&_.show({drawer:n.drawer,record:n.record}),window.addEventListener("storage",e=>{e.key===je&&Zo()})}var sl=n=>JSON.stringify(n,(r,e)=>e&&typeof e=="object"&&!Array.isArray(e)?Object.fromEntries(Object.entries(e).sort(([t],[s])=>t<s?-1:1)):e),ni=null,ol=async()=>{let n=await fetch("/static/precomputed.json",{credentials:"same-origin"});return n.ok?await n.json():{answers:{},same:{}}};async function ri(n,r){try{ni??=ol();let{answers:e,same:t}=await ni,s=`${n} ${sl(r)}`;return e[t[s]??s]??null}catch{return null}}var Zt=new Set,ir=()=>new URLSearchParams(location.search),q={get(n,r=""){return ir().get(n)??r},number(n,r){let e=ir().get(n);if(e===null||e.trim()==="")return r;let t=Number(e);return Number.isFinite(t)?t:r},set(n){let r=ir(),e=r.toString();for(let[s,o]of Object.entries(n))o===null?r.delete(s):r.set(s,String(o));let t=r.toString();if(t!==e){history.replaceState(history.state,"",`${location.pathname}${t?`?${t}`:""}${location.hash}`);for(let s of[...Zt])s()}},subscribe(n){return Zt.add(n),()=>Zt.delete(n)}};typeof window<"u"&&window.addEventListener("popstate",()=>{for(let n of[...Zt])n()});var N=()=>q.get("model","two-layer"),il=400,al=150,R=class extends Q{constructor(){super(...arguments);this.live=!0;this.prediction=null;this.answer=null;this.beside=null;this.#e=null;this.#t=null;this.#n=0;this.#r=null;this.#s=!1;this.#o=!1;this.#a=null;this.#i=null;this.#c=!1;this.#l="";this.#u="";this.#d=!1;this.#h=null;this.#y=[];this.#p=null;this.#m=!0;this.#g=!1;this.#f=0}controls(){return m}pin(e,t){return null}describe(e){return Object.entries(e).filter(([,t])=>t!=null&&typeof t!="object"&&t!=="").map(([t,s])=>t==="model"?String(s):`${t.replace(/_/g," ")} ${String(s).slice(0,40)}`).join(" · ")}#e;#t;#n;#r;#s;#o;#a;#i;#c;#l;#u;#d;#h;#y;#p;#m;#g;#f;static{this.properties={prediction:{attribute:!1},answer:{attribute:!1},beside:{attribute:!1}}}createRenderRoot(){return this}connectedCallback(){super.connectedCallback(),this.id=this.name,this.classList.add("panel"),this.#x(),this.#y=[q.subscribe(()=>this.#w()),A.subscribe(()=>this.requestUpdate()),_.subscribe(()=>this.requestUpdate())],this.#p=new IntersectionObserver(e=>{this.#m=e.some(t=>t.isIntersecting),this.#m&&this.#g&&this.#w()}),this.#p.observe(this)}disconnectedCallback(){super.disconnectedCallback();for(let e of this.#y)e();this.#p?.disconnect()}setPrediction(e){this.prediction=e,this.#b(),this.act("predicted")}act(e){se.tell(`${this.name}:${e}`)}value(e,t=""){return q.get(`${this.name}.${e}`,t)}number(e,t){return q.number(`${this.name}.${e}`,t)}put(e){q.set(Object.fromEntries(Object.entries(e).map(([t,s])=>[`${this.name}.${t}`,s])))}get answered(){return this.#e}get besideAsk(){return this.#t?.ask??null}async runNow(){let e=this.ask();if(typeof e=="string"){this.#i=e,this.requestUpdate();return}window.clearTimeout(this.#f);let t=++this.#n,s=this.#r=new AbortController;this.#s=!0,this.#o=!1,this.#g=!1,this.#a=null,this.#i=null,this.#l="",this.requestUpdate();let o=window.setTimeout(()=>{t===this.#n&&(this.#o=!0,this.requestUpdate())},il);ri(this.computation,e).then(i=>{i===null||t!==this.#n||!this.#s||this.#$(e,i,!0)});try{let i=await F(this.computation,e,{panel:this.name,signal:s.signal,onProgress:l=>{t===this.#n&&(this.#a=l,this.requestUpdate())}});if(t!==this.#n)return;this.#$(e,i,!1),this.#l=`${this.heading}: done.`,this.act("ran")}catch(i){if(t!==this.#n)return;Te(i)||i instanceof ee&&i.kind==="cancelled"?this.#l="Cancelled. Press Run to ask again.":(this.#i=i instanceof Error?i.message:String(i),i instanceof ee||console.error(i))}finally{window.clearTimeout(o),t===this.#n&&(this.#s=!1,this.#o=!1,this.#a=null,this.requestUpdate())}}cancel(){this.#r?.abort()}#$(e,t,s){this.#e=e,this.#c=s,this.answer=t,this.requestUpdate()}#v(){if(this.#e===null)return!1;let e=this.ask();return typeof e=="string"||JSON.stringify(e)!==JSON.stringify(this.#e)}#w(){if(this.requestUpdate(),!(!this.live||this.answer===null&&!this.#s)&&!(!this.#v()&&!this.#s)){if(!this.#m){this.#g=!0;return}window.clearTimeout(this.#f),this.#f=window.setTimeout(()=>{this.runNow()},al)}}#x(){try{let e=JSON.parse(sessionStorage.getItem(`rung:${this.name}`)??"{}");this.prediction??=e.prediction??null,this.#u=e.gap??"",this.#d=e.explained??!1}catch{}}#b(){try{let e={prediction:this.prediction,gap:this.#u,explained:this.#d};sessionStorage.setItem(`rung:${this.name}`,JSON.stringify(e))}catch{}}render(){return a`<div class="slot">
        <div class="panel-body" role="group" aria-labelledby="${this.name}-heading">${this.#T()}</div>
      </div>
      <dialog aria-labelledby="${this.name}-heading" @close=${()=>this.#q()}></dialog>`}#T(){let{answer:e}=this,t=e!==null&&this.#e!==null;return a`<header class="panel-head">
        <h3 id="${this.name}-heading">${this.heading}</h3>
        <button type="button" class="icon" data-act="enlarge" @click=${()=>this.#E()}>
          <span class="grow">Enlarge</span><span class="shrink">Close</span>
        </button>
      </header>
      <div class="predict stage"><p class="stage-name">Predict</p>${this.predict()}</div>
      <div class="run stage">
        <div class="controls">${this.controls()}</div>
        <div class="run-row">
          <button type="button" class="primary" data-act="run" @click=${()=>{this.runNow()}}>
            ${t?"Run again":"Run"}
          </button>
          ${this.#s&&this.#o?this.#A():m}
          ${!this.#s&&this.#v()?a`<span class="quiet">The settings changed since this run.</span>`:m}
        </div>
        <p class="status" role="status">${this.#l}</p>
        ${this.#i!==null?a`<p class="problem" role="alert">${this.#i}${t?" The figure is that of the run before.":""}</p>`:m}
      </div>
      ${t?this.#_(e,this.#e):m}`}#A(){let e=this.#a,t=e&&e.total>0?e.done/e.total:null;return a`<span class="waiting">
      <progress aria-label="Progress" max="1" value=${t??m}></progress>
      <span role="status">${e?`${e.step}${e.total>0?`: ${e.done} of ${e.total}`:""}`:`Computing: ${this.heading}`}</span>
      <button type="button" data-act="cancel" @click=${()=>this.cancel()}>Cancel</button>
    </span>`}#_(e,t){let s=this.#c?null:this.pin(e,t),o=s!==null&&_.pins.some(i=>i.panel===this.name&&i.title===s.title&&JSON.stringify(i.ask)===JSON.stringify(t));return a`<div class="see stage" aria-busy=${this.#s?"true":"false"}>
        ${this.#c?a`<p class="beforehand">Computed beforehand for ${this.describe(t)}; the live result replaces it.</p>`:m}
        <div class="runs ${this.#t?"two":""}">
          <div class="now">
            ${this.#t?a`<p class="caption"><strong>Now</strong> ${this.describe(t)}</p>`:m}
            ${this.see(e,"now")}
          </div>
          ${this.#t?a`<div class="kept">
                <p class="caption">
                  <strong>Kept</strong> ${this.describe(this.#t.ask)}
                  <button type="button" class="link" data-act="unkeep" @click=${()=>this.#R()}>Remove</button>
                </p>
                ${this.see(this.#t.answer,"beside")}
              </div>`:m}
        </div>
      </div>
      <div class="gap stage">
        <p id="${this.name}-question" class="question">${this.question(e)}</p>
        ${this.#d?a`${this.#u?a`<p class="your-line"><span class="quiet">You:</span> ${this.#u}</p>`:m}`:a`<form
              class="gap-form"
              @submit=${i=>{i.preventDefault(),this.#k(!0)}}
            >
              <input
                type="text"
                autocomplete="off"
                aria-labelledby="${this.name}-question"
                placeholder="One line, in your words"
                .value=${this.#u}
                @input=${i=>{this.#u=i.target.value,this.#b()}}
              />
              <button type="submit" data-act="answer">Compare</button>
              <button type="button" class="link" data-act="skip" @click=${()=>this.#k(!1)}>Skip</button>
            </form>`}
      </div>
      ${this.#d?a`<div class="explain stage">${this.explain(e)}</div>`:m}
      ${this.#M(e,t,s,o)}`}#M(e,t,s,o){let i=this.cli(t),l=this.#h==="python"?this.python(t):this.#h==="cli"?i:null,h=(u,d)=>a`<button
        type="button"
        data-act=${u}
        aria-expanded=${this.#h===u?"true":"false"}
        @click=${()=>{this.#h=this.#h===u?null:u,this.requestUpdate()}}
      >
        ${d}
      </button>`;return a`<footer class="panel-foot">
        ${h("python","As Python")} ${i===null?m:h("cli","As CLI")}
        <span class="spring"></span>
        <button
          type="button"
          data-act="keep"
          @click=${()=>{this.#t={ask:t,answer:e},this.beside=e,this.act("kept")}}
        >
          Keep beside
        </button>
        ${s===null?m:a`<button
              type="button"
              data-act="pin"
              ?disabled=${o}
              @click=${()=>{_.add({...s,panel:this.name,computation:this.computation,ask:t}),this.#l=`Pinned: ${s.title}.`,this.act("pinned")}}
            >
              ${o?"Pinned":"Pin"}
            </button>`}
      </footer>
      ${l===null?m:a`<div class="code">
            <pre tabindex="0" aria-label=${this.#h==="python"?"As Python":"As CLI"}><code>${l}</code></pre>
            <button type="button" data-act="copy" @click=${u=>{this.#S(l,u)}}>Copy</button>
          </div>`}`}#k(e){if(e&&this.#u.trim()===""){this.#l="Write a line first, or press Skip.",this.requestUpdate();return}this.#d=!0,this.#b(),this.act(e?"answered":"skipped"),this.requestUpdate()}#R(){this.#t=null,this.beside=null}async#S(e,t){let s=t.currentTarget;try{await navigator.clipboard.writeText(e),this.#l="Copied."}catch{let o=s.parentElement.querySelector("code");getSelection()?.selectAllChildren(o),this.#l="Selected: press Ctrl-C, or Command-C, to copy."}this.requestUpdate()}#E(){let e=this.querySelector(":scope > dialog"),t=this.querySelector(":scope .panel-body");if(e.open){e.close();return}e.append(t),e.showModal(),t.querySelector("[data-act=enlarge]")?.focus(),this.act("enlarged")}#q(){let e=this.querySelector(":scope > dialog > .panel-body");e&&(this.querySelector(":scope > .slot").append(e),e.querySelector("[data-act=enlarge]")?.focus())}};var j=class extends Z{render(){let r=`section-${this.number}`;return a`<section id=${r} aria-labelledby="${r}-heading">
      <h2 id="${r}-heading"><span class="number">${this.number}</span> ${this.heading}</h2>
      ${this.body()}
    </section>`}};var ar=class extends Q{constructor(){super(...arguments);this.name="";this.steps=[];this.at=0;this.#e=null}static{this.properties={name:{},steps:{attribute:!1},at:{state:!0}}}#e;createRenderRoot(){return this}connectedCallback(){super.connectedCallback(),this.#e=se.subscribe(e=>{e===this.steps[this.at]?.until&&(this.at+=1)})}disconnectedCallback(){super.disconnectedCallback(),this.#e?.()}render(){let{steps:e,at:t}=this,s=t>=e.length;return a`<aside class="tour" aria-label="Tour: ${this.name}">
      <p class="tour-head">
        <strong>${this.name}</strong>
        <span class="quiet">${s?"done":`step ${t+1} of ${e.length}`}</span>
        ${t>0?a`<button type="button" class="link" @click=${()=>this.at=0}>Start over</button>`:m}
      </p>
      <ol>
        ${e.map((o,i)=>i>t?m:a`<li class=${i<t?"done":"now"} aria-current=${i===t?"step":m}>
                ${i<t?a`<span class="tick" aria-label="done">✓</span> `:m}${o.say}
              </li>`)}
      </ol>
      <p class="quiet" role="status">${s?"That was the tour.":"It goes on once you have done this."}</p>
    </aside>`}};V("rung-tour",ar);var L=(n,r)=>a`<rung-tour .name=${n} .steps=${r}></rung-tour>`;var si=[["follows","the token that followed the first time"],["even","any token, all about equally likely"],["common","a common word"]],lr=class extends R{constructor(){super(...arguments);this.name="s01-look";this.heading="Three steps, in one sequence";this.computation="steps.walk"}ask(){return{model:N(),length:12,seed:this.number("seed",7),at:4}}controls(){return a`<button type="button" @click=${()=>this.put({seed:this.number("seed",7)+1})}>Another sequence</button>
      <span class="quiet">seed ${this.number("seed",7)}</span>`}predict(){return a`<p>
        Twelve random tokens, then the same twelve again. No sentence, nothing to remember from training. At the fifth token
        of the second copy, what does the model expect next?
      </p>
      <fieldset>
        <legend class="sr">What does it expect?</legend>
        ${si.map(([e,t])=>a`<label><input type="radio" name="s01-guess" .checked=${this.prediction===e} @change=${()=>this.setPrediction(e)} /> ${t}</label> `)}
      </fieldset>`}see(e){let{clean:t,source:s,query:o}=e,i=h=>P(e.tokens[h]??""),l=si.find(([h])=>h===this.prediction);return a`<p>
        The query is ${i(o)} at position ${o}; it stood at ${s-1} before, followed by ${i(s)}. The model gives
        ${i(s)} a probability of <strong data-number="probability">${T(t.probability,1)}</strong>, a loss of
        ${H(t.loss)}. ${l?a`You expected ${l[1]}.`:a`<span class="quiet">You made no prediction.</span>`}
      </p>
      <rung-tokens .tokens=${e.tokens} .marks=${[{index:s-1,label:"A"},{index:s,label:"B",role:"copy"},{index:o,label:"A again",role:"match"}]} label="The sequence"></rung-tokens>
      <rung-flow label="Route, match and copy in this sequence" .nodes=${[{id:"a",label:`A at ${s-1}`,column:0},{id:"b",label:`B at ${s}`,column:1,role:"route",value:`${e.route} looks back ${T(t.route_attention)}`,fill:t.route_attention,key:`head:${e.route}`},{id:"q",label:`A at ${o}`,column:2,role:"match",value:`${e.match} finds B ${T(t.match_attention)}`,fill:t.match_attention,key:`head:${e.match}`},{id:"o",label:"says B",column:3,role:"copy",value:`${b(t.copy_logit,1)} logits, ${T(t.probability)}`,fill:t.probability}]} .edges=${[{from:"a",to:"b",role:"route",label:"route"},{from:"b",to:"q",role:"match",label:"match"},{from:"q",to:"o",role:"copy",label:"copy"}]}></rung-flow>
      <p class="quiet">
        ${e.route}: previous-token score ${b(e.route_signature)}; ${e.match}: induction score ${b(e.match_signature)}; a clue begins at
        ${b(e.clue)}.
      </p>`}question(){return"A picture of three arrows is before you. What in it would still be there if the model did something else?"}explain(e){return a`<p>
        The arrows are attention weights and a logit of one sequence. They say where ${v(`head:${e.route}`,`head ${e.route}`)} and
        ${v(`head:${e.match}`,`head ${e.match}`)} look, and what came out. They don’t say that the model needs these heads, nor that
        the one hears the other. A head may look at B and write nothing.
      </p>
      <p>That is why the page has fourteen sections and not one.</p>`}python(e){let t=s=>`(${s.replace(".",", ")})`;return`from rung import HookedTransformer
from rung.methods.steps import induction_steps
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("${e.model}")
task = repeated_tokens(model, period=${e.length}, sequences=1, seed=${e.seed})
print(induction_steps(model, task.tokens[0], ${t(this.answer?.route??"0.0")}, ${t(this.answer?.match??"1.0")}, task.second + ${e.at}))`}cli(e){return`rung heads ${e.model}`}pin(e){return{title:`${e.match} attends to what followed the earlier token`,rung:1,value:e.clean.match_attention,unit:"attention, one query",n:1,subject:e.match}}};customElements.define("rung-s01-look",lr);var ur=class extends j{constructor(){super(...arguments);this.number=1;this.heading="What this is"}body(){return a`<p>
        This page teaches two things at once. One is an algorithm that transformers find by themselves: when a token comes back,
        say what followed it the last time. The other is the small set of tools that show how a model does it, and how sure you
        may be.
      </p>
      <p>The algorithm has three steps.</p>
      <ul>
        <li>${oe("Route")}: a head writes into B’s place that A came before it.</li>
        <li>${D("Match")}: a later head, at the second A, finds the place that says so.</li>
        <li>${X("Copy")}: the same head carries B from there to the output.</li>
      </ul>
      <p>The tools form a chain, and each link says more than the one before:</p>
      <p>
        open the model’s internals → attention patterns are <strong>clues</strong> → attribution shows
        <strong>contribution</strong> → intervention shows <strong>causal support</strong> → the weights show the
        <strong>mechanism</strong>.
      </p>
      <p>
        Every figure here is computed while you read, by a real model on this machine. Before each you say what you expect. Your
        prediction stays on the figure, beside what came out.
      </p>
      ${L("Your first run",[{say:a`Say what you expect the model to predict.`,until:"s01-look:predicted"},{say:a`Press <strong>Run</strong>.`,until:"s01-look:ran"},{say:a`Answer the question in a line of your own, or skip it.`,until:"s01-look:answered"}])}
      <rung-s01-look></rung-s01-look>
      <p>At the end of the page you can:</p>
      <ul>
        <li>say in a sentence what the direct path does, and in another what an attention path does;</li>
        <li>speak of the residual stream as a sum that all components read and write;</li>
        <li>say what Q, K and V each do in a skip-trigram;</li>
        <li>read the two attention signatures, and know what is not one;</li>
        <li>go once round the first loop: cache, hook, direct logit attribution;</li>
        <li>keep what activations show of this input apart from what weights show of the head.</li>
      </ul>
`}};customElements.define("rung-section-01",ur);var G=()=>q.number("length",20),U=()=>q.number("seed",0),Y=n=>n.low===null||n.high===null?{}:{low:n.low,high:n.high},oi=n=>r=>{let e=r.target;e.value!==""&&e.reportValidity()&&q.set({[n]:e.value})},ie=()=>a`<label
    >Tokens in a copy <input type="range" min="4" max="60" .value=${String(G())} @change=${oi("length")} />
    <output>${G()}</output></label
  >
  <label>Seed <input type="number" min="0" max="999999" .value=${String(U())} @change=${oi("seed")} /></label>`,C=(n,r,e,t)=>a`<div class="choices" role="group" aria-label=${n}>
  ${r.map(([s,o])=>a`<button type="button" data-choice=${s} aria-pressed=${e===s?"true":"false"} @click=${()=>t(s)}>
        ${o}
      </button>`)}
</div>`,le=(n,r,e,t,s=.1)=>a`<label
  >${n}
  <input
    type="range"
    min="0"
    max=${r}
    step=${s}
    .value=${String(e??0)}
    @change=${o=>t(Number(o.target.value))}
  />
  <output>${e===void 0?"?":String(e)}</output></label
>`;var dt=(n,r)=>r<n.second?"first copy":"second copy";var ll="The President of the United States",pr=()=>q.get("text",ll),ul=["two-layer","two-layer-full","one-layer","zero-layer"],hl=()=>C("Model",[...new Set([...ul,N()])].map(n=>[n,n]),N(),n=>q.set({model:n})),cl=()=>a`<label
  >Your text
  <input type="text" maxlength="600" .value=${pr()} @change=${n=>q.set({text:n.target.value||null})} /></label
>`,hr=class extends R{constructor(){super(...arguments);this.name="s02-model";this.heading="What is inside";this.computation="access.names"}ask(){return{model:N(),text:pr()}}predict(){return a`<p>How many tokens will the model make of your text?</p>
      <label
        >Tokens
        <input type="number" min="1" max="200" .value=${String(this.prediction??"")} @change=${e=>this.setPrediction(Number(e.target.value))} />
      </label>`}controls(){return a`${hl()} ${cl()}`}#e(e,t){let s=q.get("s02-values.name","")===e.name;return a`<li class=${A.current===`s02:${e.name}`||s?"lit":""}>
      <button
        type="button"
        class="word"
        aria-pressed=${s?"true":"false"}
        data-name=${e.name}
        @click=${()=>{q.set({"s02-values.name":e.name,"s02-values.kind":t}),this.act(t),document.querySelector("rung-s02-values")?.runNow()}}
      >
        ${e.name}
      </button>
      <span class="quiet">[${e.sizes.join(", ")}] ${e.meaning}</span>
    </li>`}see(e){let t=[["layers",e.n_layers],["heads in each",e.n_heads],["key heads",e.n_kv_heads],["width of the stream, d_model",e.d_model],["width of a head, d_head",e.d_head],["neurons, d_mlp",e.d_mlp??"no MLP"],["context",e.n_ctx],["vocabulary",e.vocabulary],["parameters",e.parameters]],s=[null,...Array.from({length:e.n_layers},(i,l)=>l)],o=(i,l)=>s.map(h=>{let u=i.filter(d=>d.layer===h);return u.length?a`<details ?open=${h===null}>
              <summary>${h===null?"outside the layers":`layer ${h}`} (${u.length})</summary>
              <ul class="plain">
                ${u.map(d=>this.#e(d,l))}
              </ul>
            </details>`:a``});return a`<p class="facts">
        ${e.model}: ${t.map(([i,l])=>a`<span>${i} <strong data-number=${i}>${l}</strong></span>; `)}
        <strong data-number="tokens">${e.tokens.length}</strong> tokens${typeof this.prediction=="number"?a` (you: ${this.prediction})`:m}
      </p>
      <rung-tokens .tokens=${e.tokens} label="Your text as tokens"></rung-tokens>
      <h4>Hooks: ${v("s02:activations","activations")}</h4>
      ${o(e.hooks,"hook")}
      <h4>Parameters: ${v("s02:weights","weights")}</h4>
      ${o(e.weights,"weight")}`}question(e){return`Why ${e.tokens.length} tokens, and why does the first stand there although you did not type it?`}explain(e){return a`<p>
        ${e.bos===null?"This model puts nothing before a text.":a`The model begins each text with ${P(e.bos)}, a token that says “here it starts”.`} The rest are the pieces of its
        tokenizer: common words whole, with the space before them, rare ones in parts.
      </p>
      <p>A hook is a place in the forward pass with a name. <em>Activations</em> at a hook change with your text; <em>weights</em> stay the same, whatever you type.</p>`}python(e){return`from rung import HookedTransformer
from rung.methods.inspection import inspect

model = HookedTransformer.from_pretrained("${e.model}")
model.to_str_tokens(${JSON.stringify(e.text)})
[(hook.name, hook.shape, hook.meaning) for hook in inspect(model).hooks]`}cli(e){return`rung inspect ${e.model}`}};customElements.define("rung-s02-model",hr);var cr=class extends R{constructor(){super(...arguments);this.name="s02-values";this.heading="One name, its values, its line"}get computation(){return this.value("kind","hook")==="weight"?"access.weight":"access.hook"}ask(){let e=this.value("name",`blocks.${N()==="one-layer"?0:1}.attn.hook_pattern`);return this.value("kind","hook")==="weight"?{model:N(),name:e}:{model:N(),name:e,text:pr()}}predict(){return a`<p>Look at the shape first. If you change your text, does this change?</p>
      ${C("Does it change with the text?",[["yes","yes, it is an activation"],["no","no, it is a weight"]],this.prediction,e=>this.setPrediction(e))}`}controls(){return a`<label style="max-width: 100%; flex-wrap: wrap"
        >Hook or weight
        <input
          type="text"
          size="36"
          style="min-width: 0; max-width: 100%"
          .value=${this.ask().name}
          @change=${e=>{let t=e.target.value.trim();this.put({name:t,kind:t.includes("hook_")?"hook":"weight"})}}
        /></label
      >
      <label>Slice <input type="number" min="0" max="511" .value=${String(this.number("slice",0))} @change=${e=>this.put({slice:e.target.value})} /></label>`}#e(e){let t=M.from(e.values),s=[...e.axes],[o,i]=[t,""];if(s.length===3){let h=s.findIndex(y=>y.endsWith("head")&&y!=="d_head"),u=Math.max(0,h),d=Math.min(this.number("slice",0),t.shape[u]-1),[c,,p]=t.shape;o=u===1?M.of([c,p],Array.from({length:c*p},(y,f)=>t.at(Math.floor(f/p),d,f%p))):t.slice(d),i=`${s[u]} ${d}`,s.splice(u,1)}else s.length===1&&(o=new M([1,t.shape[0]],t.data),s.unshift(""));let l=h=>/pos|token/.test(h)?e.tokens:[];return{grid:o,rows:l(s[0]),cols:l(s[1]),rowName:s[0]||"row",colName:s[1],at:i}}see(e){let{grid:t,rows:s,cols:o,rowName:i,colName:l,at:h}=this.#e(e),u=Math.max(Math.abs(e.low),Math.abs(e.high))||1,d=e.name.endsWith("pattern"),c=e.source;return a`<p class="facts">
        <code>${e.name}</code> [${e.axes.map((p,y)=>`${p} ${e.sizes[y]}`).join(", ")}]: ${e.meaning}. Smallest <strong data-number="low">${b(e.low,4)}</strong>, largest
        <strong data-number="high">${b(e.high,4)}</strong>, mean <strong data-number="mean">${b(e.mean,4)}</strong>, standard deviation <strong data-number="std">${b(e.std,4)}</strong>.
        ${h?a`Shown: ${h}.`:m} ${e.cut?"A long axis is cut; the numbers in this line are of all of it.":m}
      </p>
      <rung-heatmap label="Values of ${e.name}" .grid=${t} .rows=${s} .cols=${o} .rowName=${i} .colName=${l} scale=${d?"unit":"signed"} .domain=${d?[0,1]:[-u,u]} .causal=${d||e.name.endsWith("scores")}></rung-heatmap>
      ${c?a`<p><code>${c.file}</code>, line <strong data-number="line">${c.line}</strong>, in <code>${c.function}</code>:</p>
            <pre tabindex="0" aria-label="The forward pass around the hook"><code>${c.lines.map(p=>p.number===c.line?a`<strong class="here">${String(p.number).padStart(4)}  ${p.code}
</strong>`:`${String(p.number).padStart(4)}  ${p.code}
`)}</code></pre>
            ${c.caller?a`<p>Several hooks share that line; which of them it is, line ${c.caller.number} in <code>${c.caller_function}</code> says: <code>${c.caller.code}</code></p>`:m}`:m}`}question(e){return e.source?"What would differ downstream if a function changed this tensor at this line?":"This does not depend on your text. What does it act on, then?"}explain(e){return e.source?a`<p>Everything after that line would be computed from the changed tensor, and nothing before it. That is all a hook is: <code>x = tap(name, layer, x)</code>. It may look, and it may give back another x.</p>
          <p>A <em>pattern</em> is the hook people look at most: for each query row, weights over keys that sum to 1. It says where a head looks, not what it does with it.</p>`:a`<p>A weight acts on whatever stands in the stream: the same matrix at each position of each text. What the matrix <em>could</em> do is read off weights; what it <em>did</em> here, off activations.</p>`}python(e){let t=`from rung import HookedTransformer

model = HookedTransformer.from_pretrained("${e.model}")
`;return e.text===void 0?`${t}model.state_dict()["${e.name}"]`:`${t}logits, cache = model.run_with_cache(${JSON.stringify(e.text)}, names_filter=["${e.name}"])
cache["${e.name}"]`}cli(e){return`rung inspect ${e.model}`}};customElements.define("rung-s02-values",cr);var dr=class extends j{constructor(){super(...arguments);this.number=2;this.heading="Concrete access"}body(){return a`<p>
        A transformer is tensors and the lines that make them. You can name every one of them, look at it, and put another in its place. Two kinds: ${v("s02:activations","activations")}, made anew for each text, and
        ${v("s02:weights","weights")}, the same for all.
      </p>
      <p>A hook is a named line of the forward pass. A pattern is what one hook shows: the share of each query's attention that each key gets.</p>
      ${L("Your way in",[{say:a`Guess the number of tokens, and run the first panel.`,until:"s02-model:ran"},{say:a`Open a layer and press a hook's name: its values and its line appear below.`,until:"s02-model:hook"},{say:a`Now press a weight's name. What is missing, compared with the hook?`,until:"s02-model:weight"}])}
      <rung-s02-model></rung-s02-model>
      <rung-s02-values></rung-s02-values>`}};customElements.define("rung-section-02",dr);var mr="The President of the United",gr={both:"both paths",no_attention:"attention off: direct path only",no_direct:"direct path off: attention only",zero_layer:"another model: zero layers"},fr=class extends R{constructor(){super(...arguments);this.name="s03-paths";this.heading="Switch a path off";this.computation="paths.next"}ask(){let e=this.value("prompt")==="repeat";return{model:N(),text:e?"":this.value("text",mr),length:q.number("length",12),seed:q.number("seed",0)}}predict(){let e=this.value("prompt")==="repeat";return a`<p>${e?"Random tokens, twice, up to the second A.":a`After ${P(` ${this.value("text",mr).trim().split(/\s+/).pop()}`)}:`} which path can be switched off without loss?</p>
      ${C("Which path can go",[["no_attention","attention"],["no_direct","the direct path"],["neither","neither"]],this.prediction,t=>this.setPrediction(t))}`}controls(){let e=this.value("prompt","bigram");return a`${C("Prompt",[["bigram","a bigram"],["repeat","a repeat"]],e,t=>{this.put({prompt:t}),this.act(t)})}
      ${e==="bigram"?a`<label>Text <input type="text" maxlength="400" .value=${this.value("text",mr)} @change=${t=>this.put({text:t.target.value||null})} /></label>`:m}
      ${C("Paths",[["both","both on"],["no_attention","attention off"],["no_direct","direct off"]],this.value("off","both"),t=>{this.put({off:t}),this.act(t)})}`}#e(e,t){let s={"direct path":0};for(let h of e.parts){let u=h.label==="direct"?"direct path":h.label.endsWith("attn")?`attention, layer ${h.label[0]}`:h.label.endsWith("mlp")?`MLP, layer ${h.label[0]}`:h.label;s[u]=(s[u]??0)+h.logit}let o=Math.max(...Object.values(s).map(Math.abs),1e-9),i=[{id:"embed",label:`embed ${z(e.tokens[e.query])}`,column:0,row:0},...Object.keys(s).length>1?[{id:"before",label:`${e.query} earlier tokens`,column:0,row:Math.max(1,(Object.keys(s).length-1)/2+.5)}]:[],...Object.keys(s).map((h,u)=>({id:h,label:h,column:1,row:u,key:h==="direct path"?"s03:direct":h.startsWith("att")?"s03:attention":void 0})),{id:"unembed",label:`unembed ${z(e.target)}`,column:2,value:`logit ${b(e.logit)}`}],l=Object.entries(s).flatMap(([h,u])=>{let d=h.startsWith("att"),c=t==="no_attention"&&d||t==="no_direct"&&h==="direct path",p=h==="direct path"?"s03:direct":d?"s03:attention":void 0;return[{from:d?"before":"embed",to:h,broken:c,key:p,role:d?"route":void 0},{from:h,to:"unembed",value:E(u),broken:c,key:p,weight:Math.abs(u)/o,role:d?"route":void 0}]});return a`<rung-flow label="Both paths to the logit of ${z(e.target)}" .nodes=${i} .edges=${l}></rung-flow>`}see(e){let t=this.value("off","both"),o=(u=>e.variants.find(d=>d.name===u))(t),i=u=>[...u.probabilities.keys()].sort((d,c)=>u.probabilities[c]-u.probabilities[d]).slice(0,6).map(d=>({label:e.candidates[d],value:u.probabilities[d],key:`s03:${e.candidates[d]}`,role:d===e.target_index?"copy":void 0})),l=u=>a`<h4>${gr[u.name]}</h4>
        <rung-bars label=${gr[u.name]} unit="probability of the next token" .domain=${[0,1]} .tokens=${!0} .digits=${3} .items=${i(u)}></rung-bars>`,h=e.variants.find(u=>u.name==="zero_layer");return a`<rung-tokens
        label="The prompt"
        .tokens=${e.tokens}
        .marks=${[{index:e.query,label:"reads here"},...e.source===null?[]:[{index:e.source,label:"what followed before",role:"copy"}]]}
      ></rung-tokens>
      ${this.#e(e,t)}
      <div class="runs two">
        <div>${l(o)}</div>
        ${h?a`<div>${l(h)}</div>`:m}
      </div>
      <table class="numbers">
        <caption>
          ${P(e.target)} ${e.kind==="repeat"?"followed before":"is what both paths expect"}
        </caption>
        <thead><tr><th scope="col">paths</th><th scope="col">probability</th><th scope="col">loss</th><th scope="col">most likely</th></tr></thead>
        <tbody>
          ${e.variants.map(u=>a`<tr class=${u.name===t?"lit":""} data-variant=${u.name}>
              <th scope="row">${gr[u.name]}</th>
              <td data-number="p">${T(u.probabilities[e.target_index],1)}</td>
              <td data-number="loss">${H(u.loss)}</td>
              <td>${P(e.candidates[u.top])}</td>
            </tr>`)}
        </tbody>
      </table>
      <p class="quiet">The arrows' numbers sum to the logit, less the mean logit, within ${b(e.residual,6)}.</p>`}question(e){return e.kind==="repeat"?"Which path knows what followed the first time, and how do you see it?":"Where does the model keep this habit: in what stands before, or in the last token alone?"}explain(e){let t=h=>e.variants.find(u=>u.name===h).loss,[s,o,i]=[t("both"),t("no_attention"),t("no_direct")],l={no_attention:"attention",no_direct:"the direct path",neither:"neither"}[String(this.prediction)];return a`<p>
        ${l?`You said: ${l}. `:m}Without attention the loss goes from ${H(s)} to ${H(o)}; without the ${v("s03:direct","direct path")} to ${H(i)}.
        ${o<s+1?"The direct path alone nearly does it: a local habit, a table of which token follows which.":e.kind==="repeat"?"The direct path alone cannot do it: it sees one token, and random tokens have no habits.":"The direct path alone does not do it here: this model has come to lean on attention even for this."}
      </p>
      <p>
        ${v("s03:attention","Attention paths")} bring in earlier positions. They add to the same stream, so that neither path replaces the other: the ${v("s03:direct","direct path")} always votes too, and where the two disagree the sum
        decides.
      </p>
      ${e.layerless?a`<p>The wrong reading: “attention off is the model without layers”. The zero-layer model was trained to do all by itself; this one never had to do without attention, so with it off you see what is left, not what a model of that size could do.</p>`:m}`}python(e){return`from rung import HookedTransformer
from rung.methods.direct_path import split_paths
${e.text?"":`from rung.tasks.builtin import repeated_tokens
`}
model = HookedTransformer.from_pretrained("${e.model}")
${e.text?`tokens = model.to_tokens(${JSON.stringify(e.text)})
found = split_paths(model, tokens)`:`task = repeated_tokens(model, period=${e.length}, sequences=1, seed=${e.seed})
found = split_paths(model, task.tokens, task.second + ${e.length} // 2)`}
found.both, found.without_attention, found.without_direct  # logits
dict(zip(found.labels, found.parts))  # they sum to the logits`}cli(){return null}pin(e,t){let s=e.variants.find(i=>i.name==="both"),o=e.variants.find(i=>i.name==="no_attention");return{title:`${t.model}: loss without attention, less that with it, on a ${e.kind}`,rung:0,value:o.loss-s.loss,unit:"nats"}}};customElements.define("rung-s03-paths",fr);var br=class extends R{constructor(){super(...arguments);this.name="s03-bigrams";this.heading="Habits that it really learned";this.computation="paths.bigrams"}ask(){return{model:this.value("of","zero-layer"),count:10}}predict(){return a`<p>The textbook's habit is ${P(" New")} → ${P(" York")}. This model read old speeches and stories: which word calls most surely for one other?</p>
      <label>Word <input type="text" maxlength="30" .value=${String(this.prediction??"")} @change=${e=>this.setPrediction(e.target.value)} /></label>`}controls(){return C("Model",[["zero-layer","zero layers"],["two-layer","two layers, attention off"]],this.value("of","zero-layer"),e=>this.put({of:e}))}see(e){return a`<rung-bars
        label="Surest bigrams"
        unit="probability"
        .domain=${[0,1]}
        .digits=${3}
        .items=${e.bigrams.map(t=>({label:`${t.first} →${t.second}`,value:t.probability,key:`s03:${t.second}`}))}
        @pick=${t=>{q.set({"s03-paths.text":e.bigrams[t.detail.index].first.trim(),"s03-paths.prompt":"bigram"}),this.act("picked")}}
      ></rung-bars>
      ${typeof this.prediction=="string"&&this.prediction?a`<p>Your word, ${this.prediction}, is ${e.bigrams.some(t=>t.first.trim()===this.prediction.trim())?"among them":"not among them"}.</p>`:m}`}question(){return"These need no attention. What kind of word is in the list, and what kind can never be?"}explain(e){return a`<p>Words with one customary companion. A word whose companion depends on what came before cannot be in a table of pairs: for that, something has to carry the earlier word here.</p>
      <p>${e.story?a`${P(" New")} and ${P(" York")} are tokens of this model too.`:a`${P(" New")} and ${P(" York")} are not tokens of this model, so that its own pairs stand here as the evidence, and the textbook's is the story.`}</p>`}python(e){return`from rung import HookedTransformer
from rung.methods.direct_path import learned_bigrams

model = HookedTransformer.from_pretrained("${e.model}")
learned_bigrams(model, ${e.count})`}cli(){return null}};customElements.define("rung-s03-bigrams",br);var yr=class extends j{constructor(){super(...arguments);this.number=3;this.heading="Direct path, attention path"}body(){return a`<p>
        A token's ${v("s03:direct","direct path")} is embed → stream → unembed. It reads local habits: after <em>New</em>, <em>York</em>. It knows one token, and nothing of what stood before.
      </p>
      <p>Heads add ${v("s03:attention","attention paths")}: what they carry from earlier positions is summed into the same stream, and votes on the same next token.</p>
      ${L("Two paths",[{say:a`Run the panel on the bigram, and say first which path it needs.`,until:"s03-paths:ran"},{say:a`Switch attention off. Is the answer still there?`,until:"s03-paths:no_attention"},{say:a`Now the repeat. Which path has to stay on?`,until:"s03-paths:repeat"}])}
      <rung-s03-paths></rung-s03-paths>
      <rung-s03-bigrams></rung-s03-bigrams>`}};customElements.define("rung-section-03",yr);var dl=["two-layer","two-layer-full","one-layer","zero-layer"],pl={"two-layer-full":"two-layer-full (with MLPs)"},ii=()=>C("Model",[...new Set([...dl,N()])].map(n=>[n,pl[n]??n]),N(),n=>q.set({model:n})),pt=n=>/^\d+\.\d+/.test(n)?`head:${/^\d+\.\d+/.exec(n)[0]}`:`s04:${n}`,$r=class extends R{constructor(){super(...arguments);this.name="s04-ledger";this.heading="The ledger";this.computation="ledger.writes"}ask(){return{model:N(),text:this.value("text"),length:8,seed:q.number("seed",0)}}predict(){return a`<p>Eight random tokens, twice. At a token of the second copy, who writes most of the next token's logit?</p>
      ${C("Who writes most",[["embed","the embedding"],["0","layer 0"],["1","layer 1"]],this.prediction,e=>this.setPrediction(e))}`}controls(){return a`${ii()}
      <label>Text (empty: random tokens twice) <input type="text" maxlength="400" .value=${this.value("text")} @change=${e=>this.put({text:e.target.value||null,at:null})} /></label>`}#e(e){let t=e.total.length-1;return Math.min(Math.max(this.number("at",Math.floor(t*.75)),0),t)}see(e){let t=M.from(e.values),s=this.#e(e),o=[...t.slice(s).data],i=0,l=o.map(c=>i+=c),h=o.indexOf(Math.max(...o)),u=e.layers[h],d=u==null?"embed":String(u);return a`<p>Token × component: what each write adds to the logit of the token that comes next.</p>
      <rung-heatmap
        label="Writes: token by component"
        scale="signed"
        .grid=${t}
        .rows=${e.tokens.slice(0,-1)}
        .cols=${e.components}
        rowName="token"
        colName="component"
        .digits=${2}
        .focusKey=${(c,p)=>pt(e.components[p])}
        @cell=${c=>{this.put({at:c.detail.row}),this.act("token")}}
      ></rung-heatmap>
      <label
        >At token
        <input type="range" min="0" max=${e.total.length-1} .value=${String(s)} aria-label="At token" @input=${c=>{this.put({at:c.target.value}),this.act("token")}} />
        <output>${s} ${P(e.tokens[s])} → ${P(e.tokens[s+1])}</output></label
      >
      <rung-bars
        label="What each component adds at token ${s} ${z(e.tokens[s])}"
        unit=${e.unit}
        .signed=${!0}
        .items=${o.map((c,p)=>({label:e.components[p],value:c,key:pt(e.components[p]),group:e.layers[p]===null?"outside the layers":`layer ${e.layers[p]}`,note:` sum so far ${b(l[p])}`}))}
      ></rung-bars>
      <p class="facts">
        Sum of the bars <strong data-number="sum">${b(i,3)}</strong>, the model's logit <strong data-number="logit">${b(e.total[s],3)}</strong>, residual error
        <strong data-number="residual">${b(e.residual[s],7)}</strong>. Largest: <strong data-number="largest">${e.components[h]}</strong> ${E(o[h])}.
        ${this.prediction?a`You said ${this.prediction==="embed"?"the embedding":`layer ${String(this.prediction)}`}: ${this.prediction===d?"so it is here":"not here"}.`:m}
      </p>`}question(){return"Does a component with a bar near zero do nothing for this token?"}explain(e){return a`<p>Not so fast. A bar counts what the unembedding reads <em>directly</em>. A write that a later head reads, and turns into its own, is in that head's bar: ${v("head:0.0","0.0")} may be small here and still be what ${v("head:1.0","1.0")} looks by.</p>
      <p>What the ledger does say is exact: the stream is a sum, nothing is overwritten, and the bars add up to the logit. ${e.has_mlp?"MLPs write to the same sum: their bars stand among the others.":"This model has no MLP; choose two-layer-full to see one write."}</p>`}python(e){let t=e.text?`model.to_tokens(${JSON.stringify(e.text)})`:`repeated_tokens(model, period=${e.length}, sequences=1, seed=${e.seed}).tokens`;return`from rung import HookedTransformer
from rung.methods.attribution import attribute_logits
${e.text?"":`from rung.tasks.builtin import repeated_tokens
`}
model = HookedTransformer.from_pretrained("${e.model}")
tokens = ${t}
found = attribute_logits(model, tokens, tokens[:, 1:], queries=range(tokens.shape[1] - 1))
found.labels, found.values, found.total, found.residual`}cli(e){return e.text?null:`rung attribute ${e.model}`}pin(e,t){let s=this.#e(e),o=[...M.from(e.values).slice(s).data],i=o.indexOf(Math.max(...o));return{title:`${t.model}: ${e.components[i]} writes most of the logit of ${z(e.tokens[s+1])}`,rung:2,value:o[i],unit:e.unit,n:1,subject:e.components[i]}}};customElements.define("rung-s04-ledger",$r);var vr=class extends R{constructor(){super(...arguments);this.name="s04-overlap";this.heading="Who can hear whom";this.computation="ledger.overlap";this.#e=null}#e;ask(){return{model:N()}}predict(){return a`<p>Head 0.0 looks one token back, and 1.0 copies. If 0.0 is to tell 1.0 where to look, through which input must 1.0 hear it?</p>
      ${C("Through which input",[["Q","Q, what it asks"],["K","K, what is found"],["V","V, what is carried"]],this.prediction,e=>this.setPrediction(e))}`}controls(){return ii()}see(e){let t=M.from(e.times_chance),s=M.from(e.spread),o=e.writers.flatMap((d,c)=>e.readers.map((p,y)=>({w:d,r:p,value:t.at(c,y),sd:s.at(c,y)}))).filter(d=>!Number.isNaN(d.value)),i=[...o].sort((d,c)=>c.value-d.value).slice(0,8),[l,h]=this.#e??[Math.max(0,e.writers.indexOf("0.0")),Math.max(0,e.readers.indexOf("1.0.K"))],u=this.prediction?o.find(d=>d.w==="0.0"&&d.r===`1.0.${String(this.prediction)}`):void 0;return a`<rung-heatmap
        label="Overlap in multiples of chance: writer by reader"
        .grid=${t}
        .rows=${e.writers}
        .cols=${e.readers}
        rowName="writer"
        colName="reader"
        .domain=${[0,5]}
        .digits=${2}
        .size=${560}
        .focusKey=${d=>pt(e.writers[d])}
        @cell=${d=>{this.#e=[d.detail.row,d.detail.col],this.act("cell"),this.requestUpdate()}}
      ></rung-heatmap>
      <p class="facts">
        Of what ${v(pt(e.writers[l]),e.writers[l])} writes, <strong>${e.readers[h]}</strong> hears <strong data-number="times">${b(t.at(l,h))}</strong> times as much as of a writer in random directions (1 ±
        <strong data-number="spread">${b(s.at(l,h))}</strong>). Colours end at 5; – is a reader that comes before the writer.
        ${u?a`You said ${u.r}: ${b(u.value)} times chance.`:m}
      </p>
      <rung-bars
        label="Strongest overlaps"
        unit="times chance"
        .rules=${[{at:1,label:"chance"}]}
        .items=${i.map(d=>({label:`${d.w} → ${d.r}`,value:d.value,key:pt(d.w),note:` chance 1 ± ${b(d.sd)}`}))}
      ></rung-bars>`}question(){return"Is the pair with the highest overlap the circuit?"}explain(e){let t=M.from(e.times_chance),o=((i,l)=>e.writers.includes(i)&&e.readers.includes(l)?t.at(e.writers.indexOf(i),e.readers.indexOf(l)):null)("0.0","1.0.K");return a`<p>Not by that. An overlap says that a reader <em>could</em> hear a writer: two components talk when one writes in directions that the other reads. Whether it matters for your text, and whether what is heard is the right thing, are other tests.</p>
      ${o===null||Number.isNaN(o)?m:a`<p>Here ${v("head:0.0","0.0")} → 1.0.K has ${b(o)} times chance. Other pairs have more, and need not be part of any circuit; section 11 looks at what is carried, not only at how much.</p>`}`}python(e){return`from rung import HookedTransformer
from rung.circuits.overlap import overlap

found = overlap(HookedTransformer.from_pretrained("${e.model}"))
found.writers, found.readers, found.times_chance, found.spread`}cli(){return null}};customElements.define("rung-s04-overlap",vr);var wr=class extends j{constructor(){super(...arguments);this.number=4;this.heading="The residual stream"}body(){return a`<p>
        Every component reads the same stream and adds to it: embedding, ${v("head:0.0","heads")}, MLPs. Nothing is replaced. So the last stream is a sum of writes, and a logit, which is read off it, is a sum too: one term a write.
      </p>
      <p>Two components talk when one writes in directions that the other reads. No wire says so; the weights do.</p>
      ${L("Keep the books",[{say:a`Run the ledger, with your guess of who writes most.`,until:"s04-ledger:ran"},{say:a`Move to another token. Does the same component pay?`,until:"s04-ledger:token"},{say:a`Run the second view: who can hear whom.`,until:"s04-overlap:ran"}])}
      <rung-s04-ledger></rung-s04-ledger>
      <rung-s04-overlap></rung-s04-overlap>`}};customElements.define("rung-section-04",wr);var kr=class extends R{constructor(){super(...arguments);this.name="s05-tables";this.heading="Raise only the right pairs";this.computation="trigrams.table"}ask(){return{case:this.number("case",0),head:this.value("head"),qk:[this.number("qk0",0),this.number("qk1",0)],ov:[this.number("ov0",0),this.number("ov1",0)]}}predict(){return a`<p>Two right triples share their source. You may add to the head's QK entries and to its OV entries. Can you raise both right triples and leave both wrong ones as they are?</p>
      ${C("Can it be done?",[["yes","yes"],["no","no"]],this.prediction,e=>this.setPrediction(e))}`}#e(e,t,s){return a`<label
      ><span>${s} ${t}</span>
      <input
        type="range"
        min="-4"
        max="4"
        step="0.5"
        data-edit=${e}
        .value=${String(this.number(e,0))}
        @change=${o=>{this.put({[e]:Number(o.target.value)||null}),this.act("edited")}}
      />
      <output>${E(this.number(e,0),1)}</output></label
    >`}controls(){let e=this.answer,t=(o,i,l)=>o?P(o[i]):l,s=e?P(e.source):"source";return a`${e?a`<label
            >Source and its bug
            <select style="max-width: min(100%, 18rem)"
              @change=${o=>{this.put({case:o.target.value,qk0:null,qk1:null,ov0:null,ov1:null,head:null})}}
            >
              ${e.cases.map((o,i)=>a`<option value=${i} ?selected=${i===this.number("case",0)}>${o}</option>`)}
            </select></label
          >`:m}
      ${[0,1].map(o=>this.#e(`qk${o}`,a`${t(e?.destinations,o,`destination ${o+1}`)} looks at ${s}`,"QK:"))}
      ${[0,1].map(o=>this.#e(`ov${o}`,a`${s} raises ${t(e?.outputs,o,`output ${o+1}`)}`,"OV:"))}
      <button type="button" data-act="reset" @click=${()=>this.put({qk0:null,qk1:null,ov0:null,ov1:null})}>Undo the edits</button>`}see(e,t){let s=M.from(e.product),o=p=>`${e.destinations[p.destination]} →${e.outputs[p.output]}`,i=t==="now"?this.answered:this.besideAsk,l=[...i?.qk??[],...i?.ov??[]].some(p=>p!==0),h=e.triples.filter(p=>!p.right),u=e.triples.filter(p=>p.right),d=l&&u.every(p=>p.rise>.05),c=h.every(p=>p.rise<.05);return a`<p>Head ${v(`head:${e.head}`,e.head)}, source ${P(e.source)}: one column of its ${D("QK")} table, one row of its ${X("OV")} table, and their product. The right triples lie on the diagonal, the wrong ones off it.</p>
      <rung-heatmap
        label="QK times OV: destination by output"
        scale="signed"
        .grid=${s}
        .rows=${e.destinations}
        .cols=${e.outputs}
        rowName="destination"
        colName="output"
        .digits=${2}
        .size=${220}
        .marks=${e.triples.map(p=>({row:p.destination,col:p.output,label:p.right?"✓":"✗"}))}
        .focusKey=${(p,y)=>`s05:${p===y?"right":"wrong"}`}
      ></rung-heatmap>
      <div class="runs two">
        <div>
          <rung-bars label="QK: how much each destination looks at the source" unit="score less its mean" .signed=${!0} .items=${e.destinations.map((p,y)=>({label:z(p),value:M.from(e.attention).at(y),role:"match",note:` attention here ${T(e.pattern[y])}`}))}></rung-bars>
        </div>
        <div>
          <rung-bars label="OV: how much the source raises each output" unit="logit less its mean" .signed=${!0} .items=${e.outputs.map((p,y)=>({label:z(p),value:M.from(e.logits).at(y),role:"copy"}))}></rung-bars>
        </div>
      </div>
      <rung-bars
        label="What your edits raise"
        unit="rise of the output's logit"
        .signed=${!0}
        .items=${e.triples.map(p=>({label:`${p.right?"✓":"✗"} ${o(p)}`,value:p.rise,group:p.right?"right":"wrong",key:`s05:${p.right?"right":"wrong"}`}))}
      ></rung-bars>
      <table class="numbers">
        <caption>
          Probabilities
        </caption>
        <thead>
          <tr><th scope="col">triple</th><th scope="col">in its text</th><th scope="col">one layer</th><th scope="col">with your edits</th><th scope="col">${e.deeper}</th></tr>
        </thead>
        <tbody>
          ${e.triples.map(p=>a`<tr data-triple="${p.destination}${p.output}">
              <th scope="row">${p.right?"✓":"✗"} ${P(e.prompts[p.destination])} → ${P(e.outputs[p.output])}</th>
              <td>${p.text===null?"not listed":T(p.text,1)}</td>
              <td data-number="one">${T(p.probability,1)}</td>
              <td data-number="edited">${T(p.edited,1)}</td>
              <td data-number="deeper">${T(p.deeper,2)}</td>
            </tr>`)}
        </tbody>
      </table>
      <p class="facts" role="status" data-number="outcome">
        ${l?d&&c?"Both right triples rose, and no wrong one.":d?`Both right triples rose, and with them ${h.filter(p=>p.rise>=.05).map(o).join(" and ")}.`:"Not both right triples rose yet.":"No edits yet."}
      </p>`}question(){return"Each slider moves a whole row or a whole column. Which of the four triples does none of them move alone?"}explain(e){let t=(o,i)=>e.triples.find(l=>l.destination===o&&l.output===i),s=t(1,0);return a`<p>
        None of them moves one triple alone. The grid is a product of one column and one row: a destination that looks at ${P(e.source)} gets <em>all</em> that the source raises. ${this.prediction==="no"?"You saw it coming.":m} Raise both
        ${v("s05:right","right triples")}, and the ${v("s05:wrong","wrong ones")} rise.
      </p>
      <p>
        This model really has the bug. ${s.text===null?m:a`In its text ${P(e.prompts[1])} is followed by ${P(e.outputs[0])} in ${T(s.text,1)} of cases; the model gives it ${T(s.probability,1)}.`} Its head
        ${e.head} moves ${E(s.moved)} of logit there.
      </p>
      <p>
        Now add a layer. ${e.deeper} gives ${P(e.outputs[0])} ${T(t(1,0).deeper,2)} after ${P(e.prompts[1])}, and ${T(t(1,1).deeper,2)} to the right one. A later layer can first have the destination marked by what stands before it, and then ask.
        It is another model, trained on other things as well: that is a comparison, not a proof.
      </p>`}python(e){let s=this.answer??{source:" at",destinations:[" same"," early"],outputs:[" time"," period"],prompts:[" at the same"," at an early"],head:"0.0"},o=[...e.qk.map((i,l)=>i?`TableEdit("QK", token("${s.destinations[l]}"), token("${s.source}"), ${i.toFixed(1)})`:""),...e.ov.map((i,l)=>i?`TableEdit("OV", token("${s.source}"), token("${s.outputs[l]}"), ${i.toFixed(1)})`:"")].filter(Boolean);return`from rung import HookedTransformer
from rung.methods.skip_trigrams import TableEdit, edited_logits, source_table

model = HookedTransformer.from_pretrained("one-layer")
token = model.to_single_token
source_table(model, (0, ${s.head.split(".")[1]}), token("${s.source}"), [token("${s.destinations.join('"), token("')}")], [token("${s.outputs.join('"), token("')}")]).product
edits = [${o.join(", ")}]
edited_logits(model, model.to_tokens("${s.prompts[0]}"), (0, ${s.head.split(".")[1]}), edits)[0, -1].softmax(-1)`}cli(){return"rung weights one-layer"}pin(e){let t=e.triples.find(s=>s.destination===1&&s.output===0);return{title:`one-layer's bug:${e.prompts[1]} →${e.outputs[0]}, through head ${e.head}`,rung:2,value:t.moved,unit:"logit",n:1,subject:e.head}}};customElements.define("rung-s05-tables",kr);var xr=class extends j{constructor(){super(...arguments);this.number=5;this.heading="Skip-trigrams"}body(){return a`<p>
        <em>We went home, and the next day we went …</em> The second <em>went</em> calls for what followed the first. Three jobs: ${D("Q asks, K marks")} (where is the earlier one?), and ${X("V carries")} what stands there.
      </p>
      <p>One layer does less: <em>source … destination → output</em>. The destination looks at a source, and the source raises an output, whoever looks at it.</p>
      <p>
        Hence the bug. Take <em>keep … in mind</em> and <em>keep … at bay</em>. To raise <em>mind</em> after <em>in</em>, <em>in</em> must look at <em>keep</em>, and <em>keep</em> must raise <em>mind</em>. Do the same for <em>at</em> and <em>bay</em>, and
        <em>keep … in bay</em> and <em>keep … at mind</em> are up as well. That is the story; the ${v("s05:wrong","wrong triples")} below are this model's own.
      </p>
      <div class="wide">
        <table class="numbers">
          <caption>
            Two tables of one head
          </caption>
          <thead><tr><th scope="col">part</th><th scope="col">decides</th><th scope="col">does not see</th></tr></thead>
          <tbody>
            <tr><th scope="row">${D("QK")}</th><td>which source a destination looks at</td><td>what will be moved</td></tr>
            <tr><th scope="row">${X("OV")}</th><td>what is moved from a source</td><td>who asked for it</td></tr>
            <tr><th scope="row">one layer</th><td>all heads read the same input</td><td>nobody waits for anybody</td></tr>
          </tbody>
        </table>
      </div>
      ${L("Catch the bug",[{say:a`Say whether it can be done, and run the panel.`,until:"s05-tables:ran"},{say:a`Move a QK or an OV slider until both ${v("s05:right","right triples")} rise.`,until:"s05-tables:edited"},{say:a`Look at the wrong ones. Keep this run beside, undo, and try another way.`,until:"s05-tables:kept"}])}
      <rung-s05-tables></rung-s05-tables>`}};customElements.define("rung-section-05",xr);var Tr=class extends R{constructor(){super(...arguments);this.name="s06-board";this.heading="The board: one random text, twice";this.computation="board.loss";this.#e={key:"",found:null}}#e;ask(){return{model:N(),length:G(),seed:U(),sequences:16}}willUpdate(){let e={model:N(),length:G(),seed:U()},t=JSON.stringify(e);this.#e.key!==t&&(this.#e={key:t,found:null},F("board.guess",e,{panel:"s06-guess"}).then(s=>{this.#e.key===t&&(this.#e={key:t,found:s},this.requestUpdate())},()=>{}))}#t(){return this.prediction??{}}predict(){let e=this.#t(),t=s=>this.setPrediction({...e,...s});return a`${this.#n(e,t)}
      <p>Then the loss of each copy, in nats. What do you expect?</p>
      <div class="controls">
        ${le("First copy",12,e.first,s=>t({first:s}))}
        ${le("Second copy",12,e.second,s=>t({second:s}))}
      </div>`}#n(e,t){let s=this.#e.found;if(!s)return a`<p class="quiet">Drawing a sequence…</p>`;let{sequence:o,query:i,answer:l}=s,h=[...o.texts.slice(0,i+1),"?"],u=e.guess!==void 0&&e.guess<=i?e.guess:null,d=u!==null&&o.texts[u]===o.texts[l];return a`<p>Play <strong>?</strong> first: which token comes next? Choose it where it stands already.</p>
      <rung-tokens
        label="The sequence so far"
        .tokens=${h}
        .selected=${u}
        .marks=${[{index:o.second,label:"second copy"},{index:i+1,label:"you"}]}
        @pick=${c=>c.detail.index<=i&&t({guess:c.detail.index})}
      ></rung-tokens>
      ${u===null?m:a`<p class="your-guess" role="status">
            ${P(o.texts[u])} is <strong>${d?"right":"wrong"}</strong>${d?"":a`: it is ${P(o.texts[l])}`}.
            Guessing blindly is right once in ${s.vocabulary} times; knowing which ${o.period} tokens there are, once in
            ${o.period}; finding the earlier ${P(o.texts[i])} and reading on, every time.
          </p>`}`}controls(){return ie()}see(e,t){let s=t==="now"?this.#t():{},{sequence:o}=e,i=M.from(e.by_position),l=this.#e.found?.query;return a`<rung-bars
        layout="columns"
        label="Loss of each token, mean over ${e.n} sequences"
        unit="nats"
        .tokens=${!0}
        .items=${Array.from(i.data,(h,u)=>({label:o.texts[u+1],value:h,group:dt(o,u+1),key:u+1===o.second?"s06:turn":`pos:${u+1}`}))}
        .rules=${[{at:e.ln_vocabulary,label:"ln V"},{at:e.ln_period,label:"ln n"}]}
      ></rung-bars>
      <rung-bars
        label="Mean loss of both copies"
        unit="nats"
        .items=${[{label:"first copy",value:e.first.value,...Y(e.first),predicted:s.first},{label:"second copy",value:e.second.value,...Y(e.second),predicted:s.second}]}
      ></rung-bars>
      <p class="facts">
        Gain <strong data-number="gain">${H(e.gain.value)}</strong>; the second copy’s tokens are right
        <strong data-number="accuracy">${T(e.accuracy)}</strong> of the time.
        ${t==="now"&&l!==void 0&&l<i.shape[0]?a`At your <strong>?</strong> the model gave the right token
              <strong data-number="yours">${T(Math.exp(-M.from(e.example).at(l)))}</strong>.`:m}
      </p>`}question(e){return`${H(e.first.value)} on the first copy, ${H(e.second.value)} on the second: what did the model have to find, and what did it not have to know?`}explain(e){let t=e.first.value-e.ln_vocabulary;return a`<p>
        <strong>A first reading, and why it fails:</strong> “the model has got used to these tokens.” Knowing which tokens
        are left, but not their order, cannot get below ln n for long. The order itself was read off.
      </p>
      <p>
        Memorised pairs cannot help: these pairs occur in no text. So the first copy costs about ln V =
        ${H(e.ln_vocabulary)}${t>.5?a`; here it is ${H(t)} more, for the model expects text and is confidently wrong`:""}.
      </p>
      <p>
        ${v("s06:turn","The second copy’s first token")} stays expensive. Nothing says that a repeat begins: only the
        tokens after it can be read off.
      </p>
      <p>This is rung 0, behaviour: there is something to explain. It says nothing of how the model does it.</p>`}python(e){return`from rung import HookedTransformer
from rung.methods.behaviour import loss_by_position
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("${e.model}")
task = repeated_tokens(model, period=${e.length}, sequences=${e.sequences}, seed=${e.seed})
board = loss_by_position(model, task)
board.first_copy_loss, board.second_copy_loss`}cli(e){return`rung board ${e.model} --period ${e.length} --sequences ${e.sequences} --seed ${e.seed}`}pin(e){let{gain:t}=e;return{test:"behaviour.gain",title:"Loss falls on the second copy",rung:0,value:t.value,unit:"nats",n:t.n,...Y(t),floor:e.floor,holds:t.low!==null&&t.low>=e.floor,subject:"the model"}}};customElements.define("rung-s06-board",Tr);function Qe(n,r){let e=n.at(-1)?.[r]??[],t=[0,0];return e.forEach((s,o)=>s.forEach((i,l)=>i>(e[t[0]]?.[t[1]]??-1)&&(t=[o,l]))),t}var ml=n=>n.filter((r,e)=>e>0&&r.stage!==n[e-1].stage).map(r=>n[n.indexOf(r)-1].step);function li(n,r,e,t=null){let[s,o]=[Qe(n,"previous_token"),Qe(n,"induction")],i=u=>n.map(d=>[d.step,u(d)]),l=Math.max(...n.map(u=>Math.max(u.first,u.second)),1),h=u=>t===null?[]:[{label:`you: step ${t}`,points:[[t,0],[t,u]],predicted:!0}];return a`<rung-lines
      label="Loss during training"
      x="step"
      y="nats"
      height="200"
      .xDomain=${[0,r]}
      .cursor=${e}
      .series=${[{label:"first copy",points:i(u=>u.first),dashed:!0},{label:"second copy",points:i(u=>u.second)},...h(l)]}
    ></rung-lines>
    <rung-lines
      label="Head scores during training"
      x="step"
      y="attention"
      height="180"
      .domain=${[0,1]}
      .xDomain=${[0,r]}
      .cursor=${e}
      .series=${[{label:`${s.join(".")} previous token`,points:i(u=>u.previous_token[s[0]][s[1]]),role:"route"},{label:`${o.join(".")} induction`,points:i(u=>u.induction[o[0]][o[1]]),role:"match"},...h(1)]}
    ></rung-lines>`}var Ar=class extends R{constructor(){super(...arguments);this.name="s06-phase";this.heading="The phase change";this.computation="training.checkpoint";this.#e=null}#e;connectedCallback(){super.connectedCallback(),F("training.curve",{},{panel:"s06-shipped"}).then(e=>{this.#e=e.kept,this.requestUpdate()},()=>{})}#t(){return this.#e?.checkpoints??[this.number("step",500)]}ask(){return{step:this.number("step",500),length:Math.min(G(),31),draw:U()}}predict(){let e=this.prediction;return a`<p>
        The tiny model was kept at a dozen steps of its training. At which step, do you think, does the second copy’s loss fall?
      </p>
      <div class="controls">${le("Step",this.#e?.steps??2500,e??void 0,t=>this.setPrediction(t),25)}</div>`}controls(){let e=this.#t(),t=Math.max(0,e.indexOf(this.ask().step));return a`<label
      >Checkpoint
      <input
        type="range"
        min="0"
        max=${e.length-1}
        aria-valuetext="step ${e[t]}"
        .value=${String(t)}
        @input=${s=>{this.put({step:e[Number(s.target.value)]}),this.act("moved")}}
      />
      <output>step ${e[t]}</output></label
    >`}see(e,t){let{points:s,steps:o}=e.kept,i=M.from(e.patterns),[l,h]=[Qe(s,"previous_token"),Qe(s,"induction")].map(p=>e.heads.indexOf(p.join("."))),{texts:u,period:d}=e.sequence,c=(p,y,f,g,k)=>a`<div>
        <p class="caption">${v(`head:${e.heads[p]}`,e.heads[p])} ${g}: <strong>${b(k)}</strong></p>
        <rung-heatmap
          label="Attention of ${e.heads[p]} at step ${e.step}"
          .grid=${i.slice(p)}
          .rows=${u}
          .cols=${u}
          rowName="query"
          colName="key"
          .causal=${!0}
          .size=${260}
          .guides=${[{kind:"diagonal",offset:y,label:g,role:f}]}
        ></rung-heatmap>
      </div>`;return a`${t==="now"?li(s,o,e.step,this.prediction):m}
      <p class="facts">
        Step <strong>${e.step}</strong>: first copy <strong data-number="first">${H(e.first)}</strong>, second copy
        <strong data-number="second">${H(e.second)}</strong>, in-context score
        <strong data-number="in-context">${E(e.in_context)}</strong> (second − first).
      </p>
      <rung-bars
        layout="columns"
        label="Loss of each token at step ${e.step}"
        unit="nats"
        .tokens=${!0}
        .domain=${[0,10]}
        .items=${Array.from(M.from(e.by_position).data,(p,y)=>({label:u[y+1],value:p,group:dt(e.sequence,y+1)}))}
        .rules=${[{at:e.ln_vocabulary,label:"ln V"}]}
      ></rung-bars>
      <div class="pair">
        ${c(l,-1,"route","previous token",e.previous_token[l])}
        ${c(h,1-d,"match","induction",e.induction[h])}
      </div>`}question(){return"Which came first: the falling loss, the previous-token score, or the induction score? Did you expect that order?"}explain(e){let{points:t,stages:s}=e.kept,[o,i]=[Qe(t,"previous_token"),Qe(t,"induction")],l=t.find(u=>u.induction[i[0]][i[1]]>=.5),h=l?.previous_token[o[0]][o[1]]??NaN;return a`<p>
        You may have expected ${oe("route")}, then ${D("match")}, then loss. The scores do not wait for one another: when ${i.join(".")} reaches one half, at
        step ${l?.step}, ${o.join(".")} looks one back with ${b(h)} of its attention. The second copy’s loss is halved at step
        ${t.find(u=>u.second<=u.first/2)?.step}. A blurred route already tells a match where to look; both then sharpen. Whether one causes the other no
        curve can say: the verdicts below can.
      </p>
      <p>
        Do not read more out of the sharp fall than is there. This recipe is a curriculum of ${s} stages; the next ones began at steps
        ${ml(t).join(" and ")}. And a score that rises with the loss is still a clue, not a cause.
      </p>`}python(e){return`from rung import HookedTransformer
from rung.methods.behaviour import loss_by_position
from rung.methods.patterns import head_scores
from rung.tasks.builtin import repeated_tokens
from rung.training import checkpoints

folder = checkpoints("two-layer-tiny")[${e.step}]
model = HookedTransformer.from_pretrained(str(folder))
task = repeated_tokens(model, period=${e.length}, sequences=16, seed=${e.draw})
loss_by_position(model, task).second_copy_loss, head_scores(model, task)["induction"]`}cli(){return"rung models two-layer-tiny"}};customElements.define("rung-s06-phase",Ar);var _r=class extends R{constructor(){super(...arguments);this.name="s06-train";this.heading="Train it here";this.computation="training.train";this.live=!1;this.#e=null;this.#t=!1}#e;#t;ask(){return{seed:this.number("seed",0),take:this.number("take",0)}}connectedCallback(){super.connectedCallback(),this.#n()}async#n(){let e=this.ask();try{let t=await F("training.curve",e,{panel:"s06-train-curve"});JSON.stringify(e)===JSON.stringify(this.ask())&&(this.#e=t)}catch{}this.requestUpdate()}async runNow(){if(this.#t)return;this.#t=!0;let e=window.setInterval(()=>{this.#n()},700);try{await super.runNow()}finally{window.clearInterval(e),this.#t=!1,await this.#n(),!this.#e?.kept.finished&&this.#e?.kept.points.length&&this.act("stopped")}}predict(){let e=this.#e?.shipped_seconds??[];return a`<p>
        The same model from random weights, on your machine: 102,400 weights, the recipe of the one that is shipped. When will the second copy’s
        loss fall this time, with another seed?
      </p>
      ${e.length?a`<p class="quiet">
            With three seeds its ${this.#e.kept.steps} steps took ${e.map(t=>`${t} s`).join(", ")} on one thread where the shipped model
            was made (its card says so). The page says below how fast yours is.
          </p>`:m}
      <div class="controls">
        ${le("Step",this.#e?.kept.steps??2500,this.prediction??void 0,t=>this.setPrediction(t),25)}
      </div>`}controls(){let e=this.#e?.kept,t=e?.points.at(-1),s=t&&t.seconds>0?t.step/t.seconds:null;return a`<label
        >Seed
        <input
          type="number"
          min="0"
          max="999999"
          ?disabled=${this.#t}
          .value=${String(this.ask().seed)}
          @change=${o=>{this.put({seed:o.target.value,take:null}),this.#n()}}
      /></label>
      ${t&&!this.#t?a`<button
            type="button"
            data-act="afresh"
            @click=${()=>{this.put({take:(this.ask().take+1)%9}),this.#e=null,this.#n()}}
          >
            Begin again
          </button>`:m}
      ${t&&e?a`<div class="wide">
            ${li(e.points,e.steps,null,this.prediction)}
            <p class="facts" data-step=${t.step}>
              Step <strong>${t.step}</strong> of ${e.steps}, stage ${t.stage+1} of ${e.stages}; second copy ${H(t.second)}.
              ${s===null||e.finished?m:a`${b(s,0)} steps a second: about ${b((e.steps-t.step)/s,0)} s to go.`}
              ${e.finished?a`Done: ${b(t.seconds,0)} s of training on this machine.`:this.#t?m:a`Stopped. <strong>Run</strong> goes on from here.`}
            </p>
          </div>`:m}`}see(e){let t=e.kept.points.at(-1);return a`<p class="facts">
      Trained: second copy <strong data-number="second">${H(t.second)}</strong> after ${e.kept.steps} steps in ${b(t.seconds,0)} s.
      ${e.kept.checkpoints.length} steps were kept: each can be proved below.
    </p>`}question(){return"Your run has another seed. What stayed the same about the order of events, and what moved?"}explain(){return a`<p>
      The recipe makes one head of each layer learn faster, so the roles fall to the same heads from every seed; no connection is set. The weights
      are others: what you may say of one run, you may say of another only after proving it there.
    </p>`}python(e){return`from pathlib import Path
from rung.training import RECIPES, train

train(RECIPES["two-layer-tiny"], Path("my-tiny"), seed=${e.seed}, progress=print)`}cli(e){return`rung train two-layer-tiny --out my-tiny --seed ${e.seed}`}};customElements.define("rung-s06-train",_r);var ai=[0,300,400,450,500,550,600,700,1e3,2500],gl=["behaviour","clue","contribution","causal support","mechanism"],Mr=class extends R{constructor(){super(...arguments);this.name="s06-rungs";this.heading="When each rung turns on";this.computation="training.rungs";this.live=!1;this.#e=null}#e;#t(){return this.value("of","shipped")==="here"}ask(){let e=this.value("step");if(!this.#t())return{steps:e?[Number(e)]:ai,seed:null,take:0};let t={seed:q.number("s06-train.seed",0),take:q.number("s06-train.take",0)};return e?{steps:[Number(e)],...t}:this.#e===null?"Nothing was trained here yet: train it above, and stop where you like.":{steps:ai.concat(this.#e.slice(-1)).filter((s,o,i)=>this.#e.includes(s)&&i.indexOf(s)===o),...t}}async runNow(){if(this.#t()){let e={seed:q.number("s06-train.seed",0),take:q.number("s06-train.take",0)},{kept:t}=await F("training.curve",e,{panel:"s06-rungs-kept"});this.#e=t.checkpoints.length?t.checkpoints:null}await super.runNow()}predict(){return a`<p>The claim: an earlier head ${oe("routes")}, a later one ${D("matches")} and ${X("copies")}. Which rung will the shipped run’s step 700 reach?</p>
      ${C("Rung at step 700",gl.map(e=>[e,e]),this.prediction,e=>this.setPrediction(e))}`}controls(){return a`${C("Which run",[["shipped","the shipped run"],["here","the run trained here"]],this.#t()?"here":"shipped",e=>this.put({of:e}))}
      <label
        >One step alone
        <input
          type="number"
          min="0"
          step="25"
          placeholder="a dozen"
          .value=${this.value("step")}
          @change=${e=>this.put({step:e.target.value||null})}
      /></label>`}see(e){let t=e.reached.find(s=>s.step===700);return a`<rung-lines
        label="The rung that the claim reaches at each step"
        x="step"
        y="rung"
        height="190"
        .domain=${[-1,4]}
        .series=${[{label:"verdict",points:e.reached.map(s=>[s.step,s.rung])}]}
      ></rung-lines>
      <div class="figure-table" tabindex="0" role="region" aria-label="The verdict at each step"><table>
        <thead>
          <tr><th scope="col">Step</th><th scope="col">Verdict</th><th scope="col">Stopped by</th><th scope="col">In words</th></tr>
        </thead>
        <tbody>
          ${e.reached.map(s=>a`<tr data-step=${s.step}>
              <th scope="row">${s.step}</th>
              <td><strong>${s.name}</strong></td>
              <td>${s.stopped_by?.join(", ")??"nothing"}</td>
              <td>${s.sentence}</td>
            </tr>`)}
        </tbody>
      </table></div>
      ${t&&this.prediction?a`<p class="facts">You said ${String(this.prediction)} at step 700; it is <strong>${t.name}</strong>.</p>`:m}`}question(){return"At some step the stripe is there and the verdict is not yet mechanism. What is still missing in the weights?"}explain(e){let t=e.reached.find(s=>s.rung>=1&&s.rung<4);return a`<p>
        A curve of scores would have stopped at the clue. The same claim, tested at each step on sequences that nobody picked, shows the rungs turn on one after another.
      </p>
      ${t?a`<p>
            At step ${t.step} the verdict is ${t.name}; ${t.stopped_by?a`<code>${t.stopped_by.join(" ")}</code> stopped it.`:""} The scores of that step alone would not have told you so.
          </p>`:m}`}python(e){return`from rung import HookedTransformer, prove
from rung.training import checkpoints

for step in ${JSON.stringify(e.steps).replace(/,/g,", ")}:
    folder = checkpoints(${e.seed===null?'"two-layer-tiny"':'"my-tiny"'})[step]
    proof = prove("induction", HookedTransformer.from_pretrained(str(folder)))
    print(step, proof.verdict.name)`}cli(e){return`rung prove induction --model ${e.seed===null?"src/rung/model/bundled/two-layer-tiny":"my-tiny"}/checkpoints/step-${String(e.steps.at(-1)).padStart(5,"0")}`}pin(e){let t=e.reached.at(-1);return!t||t.rung<0?null:{title:`${t.name} at step ${t.step}`,rung:t.rung,value:t.step,unit:"training steps"}}};customElements.define("rung-s06-rungs",Mr);var Rr=class extends j{constructor(){super(...arguments);this.number=6;this.heading="The board"}body(){return a`<p>
        You need a test that no memory can pass. Draw tokens at random, put BOS before them, and write the same tokens down once more:
        <code>A B … A ? → B</code>.
      </p>
      <p>
        No pair of these tokens was ever in a text, so the direct path knows nothing. Whoever predicts the second copy must
        have looked back at the first.
      </p>
      ${L("The board",[{say:a`Guess the token at <strong>?</strong> in the first panel.`,until:"s06-board:predicted"},{say:a`Run it, and find ${v("s06:turn","the one bar of the second copy that stays high")}.`,until:"s06-board:ran"},{say:a`Run the phase change, and press <em>Keep beside</em>.`,until:"s06-phase:kept"},{say:a`Move the slider to a later step, and compare the two.`,until:"s06-phase:moved"},{say:a`Prove the kept steps in the last panel.`,until:"s06-rungs:ran"}])}
      <rung-s06-board></rung-s06-board>
      <p>
        Nobody told this model to look back. It came to do so during training, and within a few hundred steps. Move along them, and watch what
        turns on.
      </p>
      <rung-s06-phase></rung-s06-phase>
      <p>That was a run that somebody else made. Make one yourself: stop it anywhere, go on later, and prove it at any step.</p>
      <rung-s06-train></rung-s06-train>
      <rung-s06-rungs></rung-s06-rungs>`}};customElements.define("rung-section-06",Rr);var en=n=>n.replace(/_/g," "),ui={previous_token:"route",previous:"route",induction:"match"},fl={induction:"after the earlier match",previous:"one back",duplicate:"the earlier match itself",self:"itself (parking)",bos:"BOS (parking)",elsewhere:"elsewhere"},bl=[["same","at the earlier A itself"],["after","at the token after the earlier A"],["before","at the token just before the query"],["bos","at BOS"]],Sr=class extends R{constructor(){super(...arguments);this.name="s07-heads";this.heading="All heads, sorted";this.computation="signatures.heads"}ask(){return{model:N(),length:G(),seed:U(),sequences:16}}predict(){return a`<p>
        In <code>A B … A</code> the second A has to call for B. Where does an ${D("induction")} head look from there? Your line is drawn on the map.
      </p>
      ${C("Where an induction head looks",bl,this.prediction,e=>this.setPrediction(e))}`}controls(){return a`${ie()}
      <label
        ><input
          type="checkbox"
          .checked=${this.value("weighted")==="1"}
          @change=${e=>{this.put({weighted:e.target.checked?"1":null}),this.act("weighted")}}
        />
        weight by value written</label
      >`}#e(e){let t=M.from(e.patterns),s=e.heads.map((l,h)=>t.slice(h));if(this.value("weighted")!=="1")return{grids:s,most:1};let o=M.from(e.written),i=s.map((l,h)=>new M(l.shape,l.data.map((u,d)=>u*o.at(h,d%l.shape[1]))));return{grids:i,most:Math.max(...i.map(l=>l.max()),1e-9)}}#t(e){let t=this.value("head");return Math.max(0,e.heads.findIndex(s=>s.head===(t||e.heads.find(o=>o.signature==="induction")?.head)))}see(e,t){let{texts:s,period:o,second:i}=e.sequence,{grids:l,most:h}=this.#e(e),u=h!==1,d=this.#t(e),c=e.heads[d],p={same:-o,after:1-o,before:-1}[String(this.prediction)],y=[{kind:"diagonal",offset:-1,label:"previous token: one below the diagonal",role:"route"},{kind:"diagonal",offset:1-o,label:"induction: after the earlier match",role:"match"},{kind:"row",offset:i,label:"the second copy begins"}];return t==="now"&&p!==void 0&&y.push({kind:"diagonal",offset:p,label:"your line"}),t==="now"&&this.prediction==="bos"&&y.push({kind:"column",offset:0,label:"your line"}),a`<rung-thumbs
        label="Heads, the highest signature first"
        .grids=${u?l.map(f=>new M(f.shape,f.data.map(g=>g/h))):l}
        .labels=${e.heads.map(f=>f.head)}
        .keys=${e.heads.map(f=>`head:${f.head}`)}
        .scores=${e.heads.map(f=>a`<span class="role ${ui[f.label]??""}">${en(f.label)}</span> ${b(f.score)} / floor ${b(f.floor)}`)}
        .selected=${d}
        @pick=${f=>{let g=e.heads[f.detail.index].head;this.put({head:g}),A.set(`head:${g}`),this.act("picked")}}
      ></rung-thumbs>
      <p class="facts">
        ${v(`head:${c.head}`,c.head)}: <strong data-number="label">${en(c.label)}</strong>. ${c.label==="none fits"?"Nearest":""} ${en(c.signature)} score
        <strong data-number="score">${b(c.score)}</strong>${c.estimate.low===null||c.estimate.high===null?"":` ${ce(c.estimate.low,c.estimate.high)}`},
        floor <strong data-number="floor">${b(c.floor)}</strong>${c.control===null?m:a`, on text without a repeat ${b(c.control)}`}.
      </p>
      <rung-heatmap
        label="${u?"What each key adds, in length":"Attention"} of head ${c.head}"
        .grid=${l[d]}
        .rows=${s}
        .cols=${s}
        rowName="query"
        colName="key"
        .causal=${!0}
        .domain=${[0,h]}
        .guides=${y}
        .focusKey=${(f,g)=>f-g===1?"s07:previous":f>=i&&f-g===o-1?"s07:induction":f>=i&&f-g===o?"s07:duplicate":`pos:${g}`}
        @cell=${f=>{let{row:g,col:k}=f.detail;g>=i&&k===g-o+1&&this.act("found-stripe")}}
      ></rung-heatmap>
      <rung-bars
        label="Where ${c.head} looks from the second copy"
        unit="share of its attention"
        .domain=${[0,1]}
        .items=${Object.entries(c.split).map(([f,g])=>({label:fl[f]??f,value:g,role:ui[f],key:`s07:${f}`}))}
      ></rung-bars>`}question(){return"Where does the stripe lie, and why not one further left?"}explain(e){let{period:t}=e.sequence,s=e.heads.filter(i=>i.split.bos+i.split.self>=.3),o=e.heads.filter(i=>i.label==="none fits").length;return a`<p>
        The stripe lies ${t-1} below the diagonal, not ${t}. A head that looked at the earlier A would find A; B is what has to be carried, and B stands ${v("s07:induction","one later")}.
        Looking at the same token is a ${v("s07:duplicate","duplicate-token")} signature: another job.
      </p>
      <p>
        <strong>BOS and itself are parking spots, not meaning.</strong> Attention sums to 1, so a head with nothing to do must look somewhere.
        ${s.length?a`Here ${s.map(i=>i.head).join(", ")} ${s.length>1?"leave":"leaves"} 30 % or more there.`:""} It does not erase a signature either: a head may park
        on most queries and do its job on the others. Weight by value to see how little a parked look may move.
      </p>
      <p>
        A label is a score over its floor: 0.30, and three times what the head scores where nothing repeats. ${o} of ${e.heads.length} heads get
        <em>none fits</em>; several signatures at once are <em>mixed</em>. The nearest label is not a label.
      </p>
      <p>And a signature is a clue: rung 1. It says where a head looks. It does not say that what it carries is used.</p>`}python(e){return`from rung import HookedTransformer
from rung.methods.patterns import head_scores, label_head
from rung.methods.values import weighted_patterns
from rung.tasks.builtin import repeated_tokens, unrepeated_tokens

model = HookedTransformer.from_pretrained("${e.model}")
task = repeated_tokens(model, period=${e.length}, sequences=${e.sequences}, seed=${e.seed})
scores, control = head_scores(model, task), head_scores(model, unrepeated_tokens(model, task))
label_head(scores, control, 1, 0)
weighted_patterns(model, task.tokens[:1]).weighted  # [batch, layer, head, query, key]`}cli(e){return`rung heads ${e.model} --period ${e.length} --sequences ${e.sequences} --seed ${e.seed}`}pin(e){let t=e.heads[this.#t(e)];return{test:"clue.signature",title:`${t.head}: ${en(t.signature)} score`,rung:1,value:t.score,unit:"attention",n:e.n,...Y(t.estimate),...t.control===null?{}:{control:t.control},floor:t.floor,holds:t.score>=t.floor,subject:t.head}}};customElements.define("rung-s07-heads",Sr);var nn=()=>q.number("s07-quiz.pair",0),tn=()=>q.get("s07-quiz.choice"),Er=class extends R{constructor(){super(...arguments);this.name="s07-quiz";this.heading="Which of these two is the decoy?";this.computation="signatures.quiz"}ask(){return{seed:nn()}}predict(){return a`<p>Two heads of one model, wired by hand. One does induction; the other looks the same and writes nothing. Will the maps tell you which?</p>
      ${C("Will the maps tell?",[["yes","Yes"],["no","No"]],this.prediction,e=>this.setPrediction(e))}`}controls(){return a`<label
      >Pair
      <input
        type="number"
        min="0"
        max="999"
        .value=${String(nn())}
        @change=${e=>this.put({pair:e.target.value,choice:null})}
    /></label>`}see(e){let t=M.from(e.patterns),{texts:s,period:o}=e.sequence;return a`<div class="pair">
        ${["A","B"].map((i,l)=>a`<div>
            <p class="caption"><strong>${i}</strong>: induction score ${b(e.induction[l],3)}, on text without a repeat ${b(e.control[l],3)}</p>
            <rung-heatmap
              label="Attention of head ${i}"
              .grid=${t.slice(l)}
              .rows=${s}
              .cols=${s}
              rowName="query"
              colName="key"
              .causal=${!0}
              .size=${260}
              .guides=${[{kind:"diagonal",offset:1-o,label:"after the earlier match",role:"match"}]}
            ></rung-heatmap>
          </div>`)}
      </div>
      ${C("The decoy",[["A","A is the decoy"],["B","B is the decoy"]],tn(),i=>{this.put({choice:i}),this.act("chose")})}
      ${tn()?a`<p class="facts" role="status">You said ${tn()}. Section 9 has the tool that tells; your answer waits there.</p>`:m}`}question(){return"What on these maps made you choose, and how sure are you?"}explain(){return a`<p>
      Nothing here can tell. A pattern is made by Q and K; what is written is made by V and O, and the map shows none of it. Two sections on,
      <a href="#decoy-answer">attribution</a> asks what each head adds to the right token.
    </p>`}python(e){return`from rung.methods.patterns import head_scores
from rung.planted.models import plant
from rung.tasks.builtin import repeated_tokens

planted = plant("passenger", ${e.seed})
head_scores(planted.model, repeated_tokens(planted.model, period=12, sequences=16, seed=${e.seed}))["induction"]`}cli(){return null}};customElements.define("rung-s07-quiz",Er);var qr=class extends Q{constructor(){super(...arguments);this.found=null;this.problem="";this.#e=null}static{this.properties={found:{state:!0},problem:{state:!0}}}#e;createRenderRoot(){return this}connectedCallback(){super.connectedCallback(),this.id="decoy-answer",this.classList.add("panel"),this.#e=q.subscribe(()=>this.requestUpdate())}disconnectedCallback(){super.disconnectedCallback(),this.#e?.()}async#t(){let e=nn();try{let t=await F("signatures.solution",{seed:e},{panel:"decoy-answer"});this.problem="",this.found={pair:e,answer:t},se.tell("s07-quiz:solved")}catch(t){this.problem=t instanceof Error?t.message:String(t)}}render(){let e=this.found?.pair===nn()?this.found.answer:null,t=tn();return a`<div class="panel-body">
      <h3>The decoy of section 7</h3>
      <p>${t?a`You said that <strong>${t}</strong> is the decoy.`:a`You have not chosen yet: <a href="#s07-quiz">which of the two?</a>`}</p>
      <div class="run-row">
        <button type="button" class="primary" data-act="reveal" @click=${()=>{this.#t()}}>What does each add to the right token?</button>
      </div>
      ${this.problem?a`<p class="problem" role="alert">${this.problem}</p>`:m}
      ${e?a`<rung-bars
              label="Direct attribution to the right token's logit"
              unit=${e.unit}
              .signed=${!0}
              .items=${[...e.direct.map((s,o)=>({label:"AB"[o],value:s.value,...Y(s)})),{label:"all parts",value:e.total.value,...Y(e.total)}]}
            ></rung-bars>
            <p class="facts" role="status">
              The decoy is <strong data-number="decoy">${e.decoy}</strong>${t?t===e.decoy?": you were right, but the maps could not have told you.":": the maps misled you, as they were built to.":"."}
              It adds ${E(e.direct["AB".indexOf(e.decoy)].value,3)} of ${E(e.total.value)}.
            </p>`:m}
    </div>`}};customElements.define("rung-decoy-answer",qr);var Nr=class extends j{constructor(){super(...arguments);this.number=7;this.heading="Signatures"}body(){return a`<p>Who looked back? Read the attention of every head on the board: a row is a query, a column is where it looks.</p>
      <p>
        Expect two signatures. A ${oe("previous-token")} head looks ${v("s07:previous","one below the diagonal")}, always. An
        ${D("induction")} head shows ${v("s07:induction","a stripe")} in the second copy, at the token <em>after</em> the earlier match.
      </p>
      ${L("Reading signatures",[{say:a`Say where the stripe will lie, then run.`,until:"s07-heads:ran"},{say:a`Choose a head among the thumbnails.`,until:"s07-heads:picked"},{say:a`On an induction head’s map, go to a query of the second copy and press <kbd>m</kbd> or click: find the stripe.`,until:"s07-heads:found-stripe"},{say:a`Weight by value written. What fades?`,until:"s07-heads:weighted"},{say:a`Name the decoy.`,until:"s07-quiz:chose"}])}
      <rung-s07-heads></rung-s07-heads>
      <p>Now be careful. Two heads can draw the same map, and only one of them need be of any use.</p>
      <rung-s07-quiz></rung-s07-quiz>`}};customElements.define("rung-section-07",Nr);var hi=[["zero","zero"],["mean","mean"],["resample","resample"],["patch","patch"]],ci={z:"one head",attn_out:"attention out",mlp_out:"MLP out",resid_pre:"residual before",resid_post:"residual after"},mt=n=>`${n.layer}.${n.site==="z"?n.head:n.site}:${n.put}${n.positions?`@${n.positions.join(",")}`:""}`;function yl(n){let r=/^(\d+)\.(\d+|[a-z_]+):(zero|mean|resample|patch)(?:@(\d+(?:,\d+)*))?$/.exec(n);if(!r)return null;let[,e,t,s,o]=r,i=/^\d+$/.test(t)?Number(t):null;return i===null&&!(t in ci)?null:{layer:Number(e),site:i===null?t:"z",head:i,put:s,positions:o?o.split(",").map(Number):null}}var Or=class extends R{constructor(){super(...arguments);this.name="s08-edit";this.heading="Cache, hook, measure";this.computation="measure.edit"}#e(){return this.value("moves").split(";").map(yl).filter(e=>e!==null)}ask(){let e=this.value("query");return{model:N(),length:G(),seed:U(),sequences:8,moves:this.#e(),query:e?Number(e):null,show:this.value("show")||null}}describe(e){return`${e.model} · ${e.moves.length?e.moves.map(mt).join(" + "):"clean"}`}predict(){return a`<p>You are about to take one head away. By how many nats will the second copy’s loss rise?</p>
      <div class="controls">${le("Rise",12,this.prediction??void 0,e=>this.setPrediction(e))}</div>`}#t(){let e=this.value("site","z"),t=this.value("at").split(/[\s,]+/).filter(s=>/^\d+$/.test(s)).map(Number);return{layer:this.number("layer",1),site:e,head:e==="z"?this.number("head",0):null,put:this.value("put","mean"),positions:t.length?t:null}}#n(e,t){this.put({moves:e.length?e.map(mt).join(";"):null}),this.act(t),this.runNow()}controls(){let{answer:e}=this,t=this.#e(),s=this.#t(),o=(l,h,u)=>a`<select data-key=${l} @change=${d=>this.put({[l]:d.target.value})}>
        ${h.map(([d,c])=>a`<option value=${d} ?selected=${String(d)===String(u)}>${c}</option>`)}
      </select>`,i=l=>Array.from({length:l},(h,u)=>[u,String(u)]);return a`<ol class="rail">
      <li><strong>Cache</strong> a clean run of <span class="controls">${ie()}</span></li>
      <li>
        <strong>Hook</strong>
        <span class="controls">
          <label>Where ${o("site",Object.entries(ci).filter(([l])=>l!=="mlp_out"||(e?.mlps??!0)),s.site)}</label>
          <label>Layer ${o("layer",i(e?.layers??2),s.layer)}</label>
          ${s.site==="z"?a`<label>Head ${o("head",i(e?.heads??4),s.head??0)}</label>`:m}
          <label>Put ${o("put",hi,s.put)}</label>
          <label
            >Positions
            <input type="text" inputmode="numeric" size="8" placeholder="all" .value=${this.value("at")} @change=${l=>this.put({at:l.target.value||null})}
          /></label>
          <button type="button" data-act="ablate" @click=${()=>this.#n([...t,this.#t()],"hooked")}>Hook it</button>
          <button type="button" data-act="undo" ?disabled=${!t.length} @click=${()=>this.#n(t.slice(0,-1),"undone")}>Undo</button>
        </span>
        ${t.length?a`<ul class="moves">
              ${t.map((l,h)=>a`<li>
                    <code>${e?.hooks[h]??mt(l)}</code>${l.head===null?"":` head ${l.head}`} ← ${l.put}${l.positions?` at ${l.positions.join(", ")}`:""}
                    <button type="button" class="link" aria-label="Take off ${mt(l)}" @click=${()=>this.#n(t.filter((u,d)=>d!==h),"undone")}>take off</button>
                  </li>`)}
            </ul>`:a`<p class="quiet">Nothing is hooked: both runs are the clean one.</p>`}
      </li>
      <li><strong>Measure</strong> what changed.</li>
    </ol>`}see(e,t){let{clean:s,edited:o,sequence:i,query:l}=e,[h,u]=[M.from(s.by_position).data,M.from(o.by_position).data],d=Math.max(...h,...u,e.ln_vocabulary),c=(f,g)=>a`<p class="caption">${g}</p>
        <rung-bars
          layout="columns"
          label="Loss of each token, ${g}"
          unit="nats"
          .tokens=${!0}
          .domain=${[0,d]}
          .items=${Array.from(f,(k,x)=>({label:i.texts[x+1],value:k,group:dt(i,x+1),key:`pos:${x+1}`}))}
          .rules=${[{at:e.ln_vocabulary,label:"ln V"}]}
          @pick=${k=>this.put({query:k.detail.index})}
        ></rung-bars>`,p=(f,g)=>f.pattern===null?m:a`<div>
            <p class="caption">${v(`head:${e.show}`,e.show)} ${g}</p>
            <rung-heatmap
              label="Attention of ${e.show}, ${g}"
              .grid=${M.from(f.pattern)}
              .rows=${i.texts}
              .cols=${i.texts}
              rowName="query"
              colName="key"
              .causal=${!0}
              .size=${260}
              .guides=${[{kind:"diagonal",offset:1-i.period,label:"after the earlier match",role:"match"}]}
            ></rung-heatmap>
          </div>`,y=Array.from({length:e.layers*e.heads},(f,g)=>`${Math.floor(g/e.heads)}.${g%e.heads}`);return a`<rung-bars
        label="Loss of the second copy"
        unit="nats"
        .items=${[{label:"clean",value:s.second.value,...Y(s.second)},{label:"hooked",value:o.second.value,...Y(o.second),predicted:t==="now"&&typeof this.prediction=="number"?s.second.value+this.prediction:null}]}
      ></rung-bars>
      <p class="facts">
        Change <strong data-number="change">${E(e.change.value)}</strong> nats over ${e.n} sequences. At position ${v(`pos:${l}`,l)} the target is ${P(e.target)}: logit
        <strong data-number="logit-before">${b(s.logit)}</strong> → <strong data-number="logit-after">${b(o.logit)}</strong> over the mean, probability
        <strong data-number="p-before">${T(s.probability)}</strong> → <strong data-number="p-after">${T(o.probability)}</strong>; the model says ${P(o.top)}.
      </p>
      ${c(h,"clean")} ${c(u,"hooked")}
      <p class="quiet">Choose a bar to make the token there the target.</p>
      <label
        >Attention of head
        <select data-key="show" @change=${f=>this.put({show:f.target.value})}>
          ${y.map(f=>a`<option value=${f} ?selected=${f===e.show}>${f}</option>`)}
        </select></label
      >
      <div class="pair">${p(s,"clean")} ${p(o,"hooked")}</div>`}question(e){return e.moves.length?"What changed where you hooked, and what changed later although you did not touch it?":"This is the clean run. Which head would you take away first, and what would show that you were right?"}explain(e){return a`<p>
        <strong>Cache before you hook:</strong> without the clean number there is nothing to compare with, and without its attention you could not see that
        ${v("head:1.0","a later head")} lost its stripe because ${v("head:0.0","an earlier one")} fell silent.
      </p>
      <p>
        ${e.change.value>=1?"The loss rose a great deal: on this task the model relies on what you took. That is causal support, not yet an account of what it is used for.":"The loss hardly moved. That does not say that the place is idle: another may do the same work. The last panel shows it."}
      </p>
      <div class="figure-table" tabindex="0" role="region" aria-label="What each move asks"><table>
        <thead>
          <tr><th scope="col">Move</th><th scope="col">Plain question</th><th scope="col">Expect, if the place matters</th></tr>
        </thead>
        <tbody>
          <tr><th scope="row">zero</th><td>What if it said nothing?</td><td>a large rise, which may overstate: no run of the model has a zero there</td></tr>
          <tr><th scope="row">mean</th><td>What if it said what it says on average?</td><td>the information goes, the size stays</td></tr>
          <tr><th scope="row">resample</th><td>What if it said what it says of another text?</td><td>what was particular to this text goes; a lone donor makes it lie</td></tr>
          <tr><th scope="row">patch</th><td>What if it said what it says where nothing repeats?</td><td>just what the repeat adds goes</td></tr>
          <tr><th scope="row">at some positions</th><td>Where is it needed?</td><td>a rise from those positions alone</td></tr>
        </tbody>
      </table></div>`}python(e){let t={zero:"Zero()",mean:"Mean(others)",resample:"Resample(others, seed=task.seed)",patch:"Patch(unrepeated_tokens(model, task).tokens)"},s=o=>`    Intervention(("${o.site}", ${o.layer}), ${t[o.put]}, ${o.head??"None"}, ${o.positions?`(${o.positions.join(", ")},)`:"None"}),`;return`from rung import HookedTransformer
from rung.methods.interventions import Intervention, Mean, Patch, Resample, Zero
from rung.methods.sweep import measure
from rung.tasks.builtin import repeated_tokens, unrepeated_tokens
from rung.tasks.metrics import next_token_loss

model = HookedTransformer.from_pretrained("${e.model}")
task = repeated_tokens(model, period=${e.length}, sequences=${e.sequences}, seed=${e.seed})
others = repeated_tokens(model, period=${e.length}, sequences=8, seed=${e.seed+1}).tokens
moves = [
${e.moves.map(s).join(`
`)}
]
measure(model, task.tokens, moves, next_token_loss(task.predictable)).change.mean()`}cli(e){let t=e.moves.filter(o=>o.site==="z"&&!o.positions),[s]=new Set(e.moves.map(o=>o.put));return!t.length||t.length<e.moves.length||s==="patch"||t.some(o=>o.put!==s)?null:`rung ablate ${e.model} --heads ${t.map(o=>`${o.layer}.${o.head}`).join(",")} --by ${s} --period ${e.length} --sequences ${e.sequences} --seed ${e.seed}`}pin(e,t){if(!t.moves.length)return null;let{change:s}=e,o=t.moves.map(mt).join(" + ");return{title:`Loss with ${o}`,rung:3,value:s.value,unit:"nats",n:s.n,...Y(s),subject:o}}};customElements.define("rung-s08-edit",Or);var Hr=class extends R{constructor(){super(...arguments);this.name="s08-sweep";this.heading="Every head, one at a time";this.computation="measure.sweep";this.live=!1}ask(){return{model:N(),length:G(),seed:U(),sequences:16,put:this.value("put","mean")}}predict(){return a`<p>Which heads does the prediction need? Write those that you expect on top.</p>
      <label
        >Heads
        <input
          type="text"
          size="12"
          placeholder="1.0, …"
          .value=${(this.prediction??[]).join(", ")}
          @change=${e=>this.setPrediction(e.target.value.match(/\d+\.\d+/g)??[])}
      /></label>`}controls(){return C("Replace by",hi.filter(([e])=>e!=="patch"),this.ask().put,e=>this.put({put:e}))}see(e,t){let s=t==="now"?this.prediction??[]:[];return a`<rung-bars
        label="Change of the second copy's loss without each head"
        unit=${e.unit}
        .signed=${!0}
        .items=${e.heads.map((o,i)=>({label:o,value:e.change[i].value,...Y(e.change[i]),key:`head:${o}`,...s.includes(o)?{note:"you named it"}:{}}))}
      ></rung-bars>
      <p class="quiet">Replaced by: ${e.put}. Clean loss ${H(e.clean.value)}, ${e.n} sequences.</p>`}question(e){return`${e.change.filter(s=>s.value>=1).length} of ${e.heads.length} heads cost a nat or more. Are these the heads that carry a signature?`}explain(e){return a`<p>
        Most bars are short. ${v(`head:${e.heads[0]}`,e.heads[0])} costs most. A sweep is a table of single cuts: it finds what the model cannot do without, one piece at a time.
      </p>
      <p><strong>It is blind to cover.</strong> Where two heads can do the same work, each alone looks idle. Go on to the next panel.</p>`}python(e){let t={zero:"Zero()",mean:"Mean(others)",resample:`Resample(others, seed=${e.seed})`};return`from rung import HookedTransformer
from rung.methods.grids import ablate_each_head
from rung.methods.interventions import Mean, Resample, Zero
from rung.tasks.builtin import repeated_tokens
from rung.tasks.metrics import next_token_loss

model = HookedTransformer.from_pretrained("${e.model}")
task = repeated_tokens(model, period=${e.length}, sequences=${e.sequences}, seed=${e.seed})
others = repeated_tokens(model, period=${e.length}, sequences=${e.sequences}, seed=${e.seed+1}).tokens
ablate_each_head(model, task, next_token_loss(task.predictable), ${t[e.put]}).mean_change`}cli(e){return`rung ablate ${e.model} --by ${e.put} --period ${e.length} --sequences ${e.sequences} --seed ${e.seed}`}pin(e){let t=e.change[0];return{test:"support.necessity",title:`Loss without ${e.heads[0]}`,rung:3,value:t.value,unit:"nats",n:t.n,...Y(t),subject:e.heads[0]}}};customElements.define("rung-s08-sweep",Hr);var Pr=["1.0","1.1","1.2","1.3"],Cr={zero:"zero",mean:"mean",resample:"resample, 8 donors averaged","one donor":"resample, one donor"},jr=class extends R{constructor(){super(...arguments);this.name="s08-lie";this.heading="Silenced, or lied?";this.computation="measure.lie"}#e(){return this.value("heads","1.0,1.1").split(",").filter(e=>Pr.includes(e))}ask(){let e=this.#e();return e.length?{length:G(),seed:U(),heads:e}:"Choose at least one head to take away."}predict(){return a`<p>In <code>two-layer-redundant</code> all four heads of layer 1 do induction. Take two away. Which way hurts most?</p>
      ${C("The way that hurts most",Object.entries(Cr),this.prediction,e=>this.setPrediction(e))}`}controls(){let e=this.#e();return a`<div class="choices" role="group" aria-label="Heads taken away together">
      ${Pr.map(t=>a`<button
            type="button"
            data-head=${t}
            aria-pressed=${e.includes(t)?"true":"false"}
            @click=${()=>{this.put({heads:Pr.filter(s=>e.includes(s)!==(s===t)).join(",")||"none"}),this.act("chose")}}
          >
            ${t}
          </button>`)}
    </div>`}see(e,t){return a`<rung-bars
        label="Change of the second copy's loss, by the way the heads are taken away"
        unit="nats"
        .signed=${!0}
        .items=${e.ways.map(s=>({label:Cr[s.put]??s.put,value:s.change.value,...Y(s.change),...t==="now"&&this.prediction===s.put?{note:"your choice"}:{}}))}
      ></rung-bars>
      <div class="figure-table" tabindex="0" role="region" aria-label="Logits, by the way the heads are taken away"><table>
        <caption>
          ${e.heads.join(", ")} together, second copy, ${e.n} sequences
        </caption>
        <thead>
          <tr><th scope="col">Put</th><th scope="col">right token’s logit</th><th scope="col">best wrong token’s</th><th scope="col">says the donor’s token</th><th scope="col">right</th></tr>
        </thead>
        <tbody>
          ${e.ways.map(s=>a`<tr data-way=${s.put}>
              <th scope="row">${Cr[s.put]??s.put}</th>
              <td>${E(s.right.value)}</td>
              <td>${E(s.rival.value)}</td>
              <td data-number="named">${T(s.named.value)}</td>
              <td>${T(s.accuracy)}</td>
            </tr>`)}
        </tbody>
      </table></div>
      <rung-bars
        label="Mean ablation of each head alone"
        unit="nats, each alone (mean)"
        .signed=${!0}
        .items=${e.alone.map(s=>({label:s.head,value:s.change.value,...Y(s.change),key:`head:${s.head}`}))}
      ></rung-bars>`}question(e){let[t,s]=["zero","one donor"].map(o=>e.ways.find(i=>i.put===o).change.value);return`Zero costs ${H(t)}, one donor ${H(s)}. The right token lost the same in both: where does the rest come from?`}explain(e){let t=o=>e.ways.find(i=>i.put===o),s=e.alone.reduce((o,i)=>o+i.change.value,0);return a`<p>
        Zero and mean <strong>silence</strong> a head: the right token loses its push. One donor makes it <strong>lie</strong>: it pushes the donor’s next token with full
        strength, and the model says that token ${T(t("one donor").named.value)} of the time (zero: ${T(t("zero").named.value)}). Averaging the logits of eight donors thins the lie out.
      </p>
      <p>
        So a large number under resampling with few donors need not mean that a head matters more; ask whether right fell or wrong rose. And the ladder counts a role as needed only
        where mean and resample agree.
      </p>
      <p>
        <strong>Cover.</strong> ${e.alone.length>1?a`Alone, these heads cost ${H(s)} in sum; together ${H(t("mean").change.value)}.`:"Alone, this head costs little."} The others
        take over what one leaves. Switch all four off to see what the role, not the head, is worth.
      </p>`}python(e){return`from rung import HookedTransformer
from rung.methods.before_after import before_after
from rung.methods.interventions import Resample, on_head
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("two-layer-redundant")
task = repeated_tokens(model, period=${e.length}, sequences=16, seed=${e.seed})
others = repeated_tokens(model, period=${e.length}, sequences=16, seed=${e.seed+1}).tokens
lie = Resample(others, draws=1, seed=${e.seed})
found = before_after(model, task.tokens, [on_head(head, lie) for head in [${e.heads.map(t=>`(${t.replace(".",", ")})`).join(", ")}]])
(found.edited.rival - found.clean.rival)[:, task.predictable].mean()`}cli(e){return`rung ablate two-layer-redundant --heads ${e.heads.join(",")} --by mean --period ${e.length} --sequences 16 --seed ${e.seed}`}pin(e){let{change:t}=e.ways.find(o=>o.put==="mean"),s=e.heads.join(", ");return{title:`Loss of two-layer-redundant without ${s}`,rung:3,value:t.value,unit:"nats",n:t.n,...Y(t),subject:s}}};customElements.define("rung-s08-lie",jr);var Wr=class extends j{constructor(){super(...arguments);this.number=8;this.heading="Cache, hook, measure"}body(){return a`<p>
        Looking is not enough: you have to reach in. The loop is short. Keep a clean run; put something else at one
        hook; measure what the model then says.
      </p>
      ${L("The loop",[{say:a`Run once with nothing hooked: that is your cache.`,until:"s08-edit:ran"},{say:a`Say how much a head is worth, then press <em>Hook it</em>.`,until:"s08-edit:hooked"},{say:a`Undo it. The clean numbers are back.`,until:"s08-edit:undone"},{say:a`Sweep every head.`,until:"s08-sweep:ran"},{say:a`Take several heads of the covering model away at once.`,until:"s08-lie:chose"}])}
      <rung-s08-edit></rung-s08-edit>
      <rung-s08-sweep></rung-s08-sweep>
      <p>Two questions remain. Did you silence the head, or make it lie? And if nothing happened, who took over?</p>
      <rung-s08-lie></rung-s08-lie>`}};customElements.define("rung-section-08",Wr);var pi=()=>({model:N(),length:G(),sequences:16,seed:U()}),rn=n=>n.low===null||n.high===null?{}:{low:n.low,high:n.high},gt=n=>n.low===null||n.high===null?"":` ${ce(n.low,n.high)}`,Ae=n=>/^\d+\.\d+$/.test(n),ve=n=>Ae(n)?`head:${n}`:`s09:${n}`,$e=(n,r)=>n.reduce((e,t)=>r(t)>r(e)?t:e),mi=(n,r)=>{let e=n.flatMap(t=>t===null?[]:r(t)).filter(t=>t!==null);return[Math.min(0,...e),Math.max(0,...e)]},gi=n=>`from rung import HookedTransformer
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("${n.model}")
task = repeated_tokens(model, period=${n.length}, sequences=${n.sequences}, seed=${n.seed})`,Lr=class extends R{constructor(){super(...arguments);this.name="s09-heads";this.heading="Who pushes the right token?";this.computation="attribution.heads"}ask(){return pi()}predict(){return a`<p>The second copy calls for B. B’s logit stands above the mean of the copy’s other tokens. How much of that comes from the one strongest part of the model?</p>
      ${le("Share, in %",100,this.prediction??void 0,e=>this.setPrediction(e),5)}`}controls(){return ie()}see(e,t){let s=$e(e.bars,i=>i.value),o=t==="now"&&typeof this.prediction=="number"?this.prediction/100*e.total.value:void 0;return a`<rung-bars
        label="Direct attribution to the right token’s logit"
        unit="logit: B minus the mean of the copy’s other tokens"
        .signed=${!0}
        .domain=${mi([this.answer,this.beside],i=>[...i.bars,i.total].flatMap(l=>[l.value,l.low,l.high]))}
        .items=${[...e.bars.map(i=>({label:i.label,value:i.value,...rn(i),key:ve(i.label),predicted:i===s?o:void 0})),{label:"sum",value:e.total.value,...rn(e.total),key:"s09:total"}]}
      ></rung-bars>
      <p class="facts">
        Strongest: ${v(ve(s.label),s.label)}, <strong data-number="best">${E(s.value)}</strong>${gt(s)} of
        <strong data-number="total">${E(e.total.value)}</strong>: <strong data-number="share">${T(s.value/e.total.value)}</strong>. The parts miss the model’s number by
        <strong data-number="residual">${b(e.residual)}</strong> at most, which is rounding. ${e.n} sequences × ${e.queries} queries; each bound is missed with probability
        ${b(e.alpha)} at most.
      </p>`}question(e){return e.bars.filter(s=>Ae(s.label)&&s.label.startsWith("0.")).length?"The heads of layer 0 push almost nothing. Are they idle?":"What would a negative bar mean?"}explain(e){let t=$e(e.bars,s=>s.value);return a`<p>
        The residual stream is a sum, and the unembedding reads it linearly once the last norm’s scale is taken as it was. So the logit is a sum too, with a bar for each writer. Nothing was edited: this
        is bookkeeping of one run.
      </p>
      <p>
        ${v(ve(t.label),t.label)} writes B where the logits are read. But the books name who wrote <em>last</em>. What an earlier head did for a later one is booked to the later one, so a short
        bar here is no verdict. Under ${T(e.floor)} of the strongest counts as weak. The panel after next asks whether the weak ones can be spared.
      </p>`}python(e){return`${gi(e)}

from rung.methods.attribution import attribute_logits

found = attribute_logits(model, task.tokens, task.targets, task.others, task.queries)
dict(zip(found.labels, found.values.mean((1, 2)).tolist()))
found.residual.abs().max()  # the parts sum to the logit`}cli(){return null}pin(e){let t=e.bars.filter(h=>Ae(h.label)),s=$e(e.bars,h=>h.value),o=t.length?$e(t,h=>h.value):s,i=t.filter(h=>h!==o),l=e.floor*s.value;return{test:"contribution.direct",title:`${o.label}: direct logit attribution`,rung:2,value:o.value,unit:"logits",n:e.n,...rn(o),...i.length?{control:$e(i,h=>h.value).value}:{},floor:l,holds:o.low!==null&&o.low>Math.max(l,0),subject:o.label}}};customElements.define("rung-s09-heads",Lr);var di="the man went to the house and the",$l=[["direct","the last token’s own embedding"],["early","a head of layer 0"],["late","a head of a later layer"]],Ir=class extends R{constructor(){super(...arguments);this.name="s09-contrast";this.heading="A against B, in a text";this.computation="attribution.contrast"}ask(){let[e,t,s]=[this.value("text",di),this.value("a"," man"),this.value("b"," house")];return e.trim()?{model:N(),text:e,target:t,other:s}:"Type a text."}predict(){return a`<p>Type a text and two next tokens, each with its space. What decides between them most?</p>
      ${C("What decides",$l,this.prediction,e=>this.setPrediction(e))}`}controls(){let e=(t,s,o,i)=>a`<label
      >${s}
      <input type="text" size=${i} .value=${this.value(t,o)} @change=${l=>this.put({[t]:l.target.value})}
    /></label>`;return a`${e("text","Text",di,32)} ${e("a","A"," man",8)} ${e("b","B"," house",8)}`}see(e,t){let s=o=>o==="embed"?"direct":o.startsWith("0.")&&Ae(o)?"early":Ae(o)?"late":"";return a`<rung-bars
        label="Logit of A minus logit of B, by component"
        unit="logit of ${z(e.target)} minus logit of ${z(e.other)}"
        .signed=${!0}
        .domain=${mi([this.answer,this.beside],o=>[o.total,...o.parts.map(i=>i.value)])}
        .items=${[...e.parts.map(o=>({...o,key:ve(o.label),note:t==="now"&&this.prediction===s(o.label)?"you said here":void 0})),{label:"sum",value:e.total,key:"s09:total"}]}
      ></rung-bars>
      <p class="facts">
        The model gives A <strong data-number="a">${b(e.logits[0])}</strong> and B <strong data-number="b">${b(e.logits[1])}</strong>: a difference of
        <strong data-number="difference">${E(e.total)}</strong>; the parts miss it by ${b(Math.abs(e.residual))}. Its own favourite is <code class="token">${z(e.best)}</code>.
      </p>`}question(){return"Which bar favours B, and does it know the text or only the last token?"}explain(e){let t=$e(e.parts,s=>Math.abs(s.value));return a`<p>
      ${v(ve(t.label),t.label)} decides most: ${E(t.value)}. <code>embed</code> knows only the last token, so its bar is a habit; a head’s bar may come from any token before.
      A difference of two logits drops what lifts all tokens alike, which is why A is always held against something.
    </p>`}python(e){return`import torch
from rung import HookedTransformer
from rung.methods.attribution import attribute_logits

model = HookedTransformer.from_pretrained("${e.model}")
tokens = model.to_tokens(${JSON.stringify(e.text)})
a, b = (model.to_single_token(text) for text in (${JSON.stringify(e.target)}, ${JSON.stringify(e.other)}))
attribute_logits(model, tokens, torch.tensor([[a]]), torch.tensor([[[b]]]), [tokens.shape[1] - 1])`}cli(e){return`rung attribute ${e.model} --text ${sn(e.text)} --answer ${sn(e.target)} --other ${sn(e.other)}`}};customElements.define("rung-s09-contrast",Ir);var sn=n=>`'${n.replace(/'/g,"'\\''")}'`,zr=class extends R{constructor(){super(...arguments);this.name="s09-agree";this.heading="Does ablation pick out the same heads?";this.computation="attribution.agreement";this.live=!1}ask(){return pi()}predict(){return a`<p>Now each head is taken away, by mean and by resample. Will the heads that cost most be those with the long bars above?</p>
      ${C("Same heads?",[["same","The same heads"],["fewer","Fewer: some bars are for show"],["more","More: some needed heads have no bar"]],this.prediction,e=>this.setPrediction(e))}`}controls(){return ie()}#e(e){let t=Math.max(...e.rows.map(l=>l.direct.value)),s=l=>l.mean.low!==null&&l.resample.low!==null&&Math.min(l.mean.low,l.resample.low)>e.needed*e.gain,o=l=>l.direct.value<e.weak*t,i=e.rows.filter(s);return{needed:i,hidden:i.filter(o),idle:e.rows.filter(l=>!s(l)&&!o(l))}}#t(e,t){let s=e.links.filter(o=>o.sender===t);return s.length?$e(s,o=>o.change.value):void 0}see(e,t){let{needed:s,hidden:o,idle:i}=this.#e(e),l=o.length?"more":i.length?"fewer":"same";return a`<div class="table-scroll" tabindex="0" role="region" aria-label="Agreement table">
        <table data-table="agreement">
          <thead>
            <tr><th scope="col">head</th><th scope="col">direct push, logits</th><th scope="col">mean ablation, nats</th><th scope="col">resample, nats</th><th scope="col">highest signature</th></tr>
          </thead>
          <tbody>
            ${e.rows.map(h=>a`<tr class=${A.current===`head:${h.head}`?"lit":""}>
                <th scope="row">${v(`head:${h.head}`,h.head)}</th>
                <td data-number="direct-${h.head}">${E(h.direct.value)}<span class="quiet">${gt(h.direct)}</span></td>
                <td data-number="mean-${h.head}">${E(h.mean.value)}<span class="quiet">${gt(h.mean)}</span></td>
                <td>${E(h.resample.value)}<span class="quiet">${gt(h.resample)}</span></td>
                <td>${h.signature.replace(/_/g," ")} ${b(h.score)}</td>
              </tr>`)}
          </tbody>
        </table>
      </div>
      <p class="facts">
        Needed by both ablations (over ${T(e.needed)} of the gain of ${H(e.gain)}): <strong data-number="needed">${s.map(h=>h.head).join(", ")||"none"}</strong>. Of these,
        without a bar of their own: <strong data-number="hidden">${o.map(h=>h.head).join(", ")||"none"}</strong>. Correlation of the two columns over heads: ${b(e.correlation)}.
        ${t==="now"&&this.prediction?this.prediction===l?"As you said.":"Not what you said.":""}
      </p>
      ${o.map(h=>{let u=this.#t(e,h.head);if(!u)return m;let d=e.rows.find(c=>c.head===u.receiver);return a`<rung-flow
          label="What ${h.head} does for ${u.receiver}"
          .nodes=${[{id:"a",label:h.head,role:u.into==="K"?"route":void 0,value:`push ${E(h.direct.value)}`,key:`head:${h.head}`,column:0},{id:"b",label:u.receiver,role:u.into==="K"?"match":void 0,value:`push ${E(d.direct.value)}`,key:`head:${u.receiver}`,column:1},{id:"c",label:"B’s logit",column:2}]}
          .edges=${[{from:"a",to:"b",label:`into ${u.into}`,value:H(u.change.value,1),role:u.into==="K"?"route":void 0,weight:1,key:`edge:${u.sender}>${u.receiver}.${u.into}`},{from:"b",to:"c",role:"copy",weight:1,value:E(d.direct.value,1),key:"role:copy"}]}
        ></rung-flow>`})}`}question(e){let{hidden:t}=this.#e(e);return t.length?`${t[0].head} pushes nothing and is needed. How can that be?`:"Where do the two columns part, and which would you believe?"}explain(e){let{hidden:t}=this.#e(e);return a`${t.map(s=>{let o=this.#t(e,s.head);return o?a`<p>
              ${v(`head:${s.head}`,s.head)} writes for another head, not for the logits. ${v(`edge:${o.sender}>${o.receiver}.${o.into}`,"Path patching")} shows it: give
              ${o.receiver}’s ${o.into} alone what ${s.head} writes in another sequence, keep everything else, and the loss rises by
              <strong data-number="link">${H(o.change.value)}</strong>${gt(o.change)}. The push is booked to ${o.receiver}; the work was shared.
            </p>`:m})}
      <p>
        So neither column replaces the other. Attribution asks who wrote the answer, ablation asks who can be spared, a signature asks who looks where. A head that all three name is worth a proof; where they
        differ, the difference is the finding. This table goes on in section 12.
      </p>`}python(e){return`${gi(e)}

from rung.methods.grids import ablate_each_head
from rung.methods.interventions import Mean
from rung.methods.paths import patch_all_senders
from rung.tasks.metrics import next_token_loss

donors = repeated_tokens(model, period=${e.length}, sequences=64, seed=${e.seed+1}).tokens
loss = next_token_loss(task.predictable)
ablate_each_head(model, task, loss, Mean(donors)).mean_change
patch_all_senders(model, task.tokens, donors[:${e.sequences}], ((1, 0), "K"), loss).change.mean(1)`}cli(e){return`rung ablate ${e.model} --by resample --period ${e.length} --sequences ${e.sequences} --seed ${e.seed}`}pin(e){let{needed:t,hidden:s}=this.#e(e),o=s[0]??t[0];if(!o)return null;let i=o.mean.value<o.resample.value?o.mean:o.resample,l=e.rows.filter(u=>!t.includes(u)).map(u=>u.mean.value),h=e.needed*e.gain;return{test:"support.necessity",title:`${o.head}: cost of ablation`,rung:3,value:i.value,unit:"nats",n:e.n,...rn(i),...l.length?{control:Math.max(...l)}:{},floor:h,holds:i.low!==null&&i.low>h,subject:o.head}}};customElements.define("rung-s09-agree",zr);var Br=class extends R{constructor(){super(...arguments);this.name="s09-why";this.heading="Why here?";this.computation="attribution.why"}ask(){let e=/^(\d+)\.(\d+)$/.exec(this.value("head","1.0"));if(!e)return"Name a head as layer.head, such as 1.0.";let t=this.value("text"),s=G(),o=Math.min(6,s-2),[i,l]=t.trim()?[-1,0]:[1+s+o,2+o];return{model:N(),layer:Number(e[1]),head:Number(e[2]),query:this.number("query",i),key:this.number("key",l),text:t,length:s,seed:U()}}predict(){return a`<p>Take the head whose stripe you saw, and one cell of it. What at the source made the score high?</p>
      ${C("What at the source",[["embed","the source token itself"],["head","what an earlier head wrote there"],["pos","its position"]],this.prediction,e=>this.setPrediction(e))}`}controls(){let e={query:null,key:null};return a`${ie()}
      <label>Head <input type="text" size="5" .value=${this.value("head","1.0")} @change=${t=>this.put({head:t.target.value.trim()})} /></label>
      <label
        >Text, in place of the repeats
        <input type="text" size="24" .value=${this.value("text")} @change=${t=>this.put({...e,text:t.target.value||null})}
      /></label>`}see(e,t){let s=M.from(e.values),o=e.key_parts.map((h,u)=>({label:h,value:e.query_parts.reduce((d,c,p)=>d+s.at(p,u),0)})),i=$e(o,h=>h.value),l=Ae(i.label)?"head":i.label==="embed"?"embed":"pos";return a`<p>Choose a cell: row the query, column the source.</p>
      <rung-heatmap
        label="Attention of head ${e.head}"
        .grid=${M.from(e.pattern)}
        .rows=${e.tokens}
        .cols=${e.tokens}
        rowName="query"
        colName="source"
        .causal=${!0}
        .marks=${[{row:e.query,col:e.key,label:"this score"}]}
        .focusKey=${(h,u)=>`pos:${u}`}
        @cell=${h=>{t!=="now"||h.detail.col>h.detail.row||(this.put({query:h.detail.row,key:h.detail.col}),this.act("cell"))}}
      ></rung-heatmap>
      <p class="facts">
        Query ${e.query} <code class="token">${z(e.tokens[e.query])}</code> gives source ${e.key} <code class="token">${z(e.tokens[e.key])}</code>
        <strong data-number="attention">${T(e.attention)}</strong> of its attention: score <strong data-number="score">${E(e.score)}</strong>, where the mean over all it sees is
        ${E(e.mean_score)}${e.before_cap?" (before the cap)":""}.
      </p>
      <p class="caption">What wrote into the query (rows) with what wrote into the key (columns)</p>
      <rung-heatmap
        label="The score by pairs"
        .grid=${s}
        .rows=${e.query_parts}
        .cols=${e.key_parts}
        rowName="in the query"
        colName="in the key"
        scale="signed"
        .size=${260}
        .focusKey=${(h,u)=>ve(e.key_parts[u])}
      ></rung-heatmap>
      <rung-bars
        label="The score by what wrote into the key"
        unit="attention score"
        .signed=${!0}
        .items=${[...o.map(h=>({...h,key:ve(h.label),note:t==="now"&&this.prediction===(Ae(h.label)?"head":h.label==="embed"?"embed":"pos")?"you said here":void 0})),...e.alibi?[{label:"slope",value:e.alibi}]:[],{label:"sum",value:e.score}]}
      ></rung-bars>
      <p class="facts">
        Largest: <strong data-number="part">${i.label}</strong>, <strong data-number="part-value">${E(i.value)}</strong>. The parts miss the score by ${b(Math.abs(e.residual))}.
        ${t==="now"&&this.prediction?this.prediction===l?"As you said.":"Not what you said.":""}
      </p>`}question(){return"Which pair carries the score, and what does each side of it know?"}explain(e){let t=M.from(e.values),s=e.query_parts.flatMap((i,l)=>e.key_parts.map((h,u)=>({q:i,k:h,value:t.at(l,u)}))),o=$e(s,i=>i.value);return a`<p>
        ${v(ve(o.q),o.q)} in the query with ${v(ve(o.k),o.k)} in the key: ${E(o.value)} of ${E(e.score)}.
        ${Ae(o.k)?a`The source’s own token says little. What makes it match is a note that ${o.k} left there, one layer earlier.`:"No earlier head is needed for this cell. Try one on the stripe."}
      </p>
      <p>Only a score above the mean moves attention: what raises all sources alike, softmax does not see. And a large part is a clue to why, not proof that the head needs it.</p>`}python(e){let t=e.text.trim()?`tokens = model.to_tokens(${JSON.stringify(e.text)})`:`tokens = repeated_tokens(model, period=${e.length}, sequences=1, seed=${e.seed}).tokens`;return`from rung import HookedTransformer
from rung.methods.scores import why_attend
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("${e.model}")
${t}
why_attend(model, tokens, (${e.layer}, ${e.head}), ${e.query}, ${e.key}).ranked(5)`}cli(e){let t=e.text.trim()?sn(e.text):"'TEXT'";return`rung why-attend ${e.model} ${e.layer}.${e.head} ${e.query} ${e.key} --text ${t}`}};customElements.define("rung-s09-why",Br);var Ur=class extends j{constructor(){super(...arguments);this.number=9;this.heading="Attribution"}body(){return a`<p>
        A stripe shows where a head looks. The next question is what it <em>adds</em>. The stream is a sum, so a logit can be split among those who wrote it: signed bars that add up to the whole.
      </p>
      <p>
        That is <strong>contribution</strong>, rung 2. It tells a head that writes the answer from one that only looks. It does not tell whether the model would miss it.
      </p>
      ${L("Follow the push",[{say:a`Guess the share, and run <em>Who pushes the right token?</em>`,until:"s09-heads:ran"},{say:a`Now take every head away: run the agreement table.`,until:"s09-agree:ran"},{say:a`Write how a head without a bar can be needed, or skip.`,until:"s09-agree:answered"},{say:a`Ask <em>Why here?</em> of one cell of the map.`,until:"s09-why:cell"}])}
      <rung-s09-heads></rung-s09-heads>
      <rung-s09-contrast></rung-s09-contrast>
      <rung-s09-agree></rung-s09-agree>
      <p>A head attends because of a score, and a score is a sum as well: over pairs of what wrote into the query and what wrote into the key.</p>
      <rung-s09-why></rung-s09-why>
      <rung-decoy-answer></rung-decoy-answer>`}};customElements.define("rung-section-09",Ur);var on=n=>{let r=/^(\d+)\.(\d+)$/.exec(n.trim());return r?[Number(r[1]),Number(r[2])]:null},fi=["route","match","copy"],bi=(n,r)=>n!==null&&n.ablate.some(e=>e.join(".")===r),Vr=class extends R{constructor(){super(...arguments);this.name="s10-steps";this.heading="Three steps, one sequence";this.computation="steps.walk";this.#s=e=>{if(e.target.closest("rung-flow button, input"))return;let t={ArrowRight:1,ArrowLeft:-1}[e.key];t!==void 0&&(e.preventDefault(),this.#n(this.#t()+t))}}#e(){return this.value("off").split(",").filter(e=>on(e)!==null)}ask(){let e=G(),t=Math.min(Math.max(Math.round(this.number("at",6)),0),e-2);return{model:N(),length:e,seed:U(),at:t,route:on(this.value("route")),match:on(this.value("match")),ablate:this.#e().map(s=>on(s))}}describe(e){return`${e.model} · query ${e.at} of the copy · ${e.ablate.length?`without ${e.ablate.map(t=>t.join(".")).join(", ")}`:"clean"}`}predict(){return a`<p>Three arrows carry B: ${oe()}, ${D()}, ${X()}. You will take the ${oe("route")} head away. Which arrows break?</p>
      ${C("Which arrows break",[["route","only the first"],["route,match,copy","all three"],["copy","only the last"]],this.prediction,e=>this.setPrediction(e))}`}controls(){let e=(t,s,o)=>a`<label
      >${s} <input type="text" size="5" data-key=${t} placeholder=${o??"found"} .value=${this.value(t)} @change=${i=>this.put({[t]:i.target.value.trim()||null})}
    /></label>`;return a`${ie()} ${e("route","Route head",this.answer?.route)} ${e("match","Match head",this.answer?.match)}`}#t(){return Math.min(Math.max(Math.round(this.number("step",1)),1),3)}#n(e){let t=Math.min(Math.max(e,1),3);this.put({step:t}),A.set(`role:${fi[t-1]}`),this.act(`step-${t}`),this.requestUpdate()}#r(e){let t=this.#e(),s=t.includes(e)?t.filter(o=>o!==e):[...t,e];this.put({off:s.length?s.join(","):null}),s.length>t.length&&this.act("ablated")}see(e,t){let{tokens:s,query:o,source:i,clean:l,broken:h}=e,u=e.edited??l,d=t==="now"?this.#t():3,c=g=>z(s[g]),p=t==="now"?this.answered:this.besideAsk,y=[{from:"a",to:"b",value:E(u.route_score,1),role:"route",key:"role:route",weight:Dr(u.route_score/Math.abs(l.route_score||1))},{from:"b",to:"q",value:T(u.match_attention),role:"match",key:"role:match",weight:Dr(u.match_attention)},{from:"q",to:"o",value:E(u.copy_logit,1),role:"copy",key:"role:copy",weight:Dr(u.copy_logit/Math.abs(l.copy_logit||1))}].map((g,k)=>({...g,broken:h.includes(fi[k])})),f=[a`${oe("Route.")} At B, head ${v(`head:${e.route}`,e.route)} gives the token before it <strong data-number="route-attention">${T(u.route_attention)}</strong> of its
        attention, and writes what it found into B’s place. In the keys of ${e.match} that note is worth <strong data-number="route-score">${E(u.route_score)}</strong> of score.
        ${bi(p,e.route)?a`<em>It is ablated: it still looks, and what it writes is the mean of other sequences.</em>`:m}`,a`${D("Match.")} At the second A, head ${v(`head:${e.match}`,e.match)} asks “who follows an A?”. B’s score less the mean of the others is
        <strong data-number="match-score">${E(u.match_score)}</strong>, and B gets <strong data-number="match-attention">${T(u.match_attention)}</strong> of its attention.`,a`${X("Copy.")} The OV of ${v(`head:${e.match}`,e.match)} turns B into B: <strong data-number="copy-logit">${E(u.copy_logit)}</strong> of the
        <strong data-number="logit">${E(u.logit)}</strong> by which B’s logit stands above the sequence’s other tokens. p(B) = <strong data-number="probability">${b(u.probability,3)}</strong>.`];return a`<rung-tokens
        label="The sequence; choose a query in the second copy"
        .tokens=${s}
        .selected=${o}
        .marks=${[{index:i-1,role:"route",label:"A"},{index:i,role:"copy",label:"B"},{index:o,role:"match",label:"A again"}]}
        @pick=${g=>{let k=g.detail.index-e.start-e.period;t==="now"&&k>=0&&k<e.period-1&&this.put({at:k})}}
      ></rung-tokens>
      <div class="stepper" role="group" aria-label="Steps; arrow keys move" tabindex="0" @keydown=${t==="now"?this.#s:m}>
        <rung-flow
          label="Route, match, copy at query ${o}"
          .nodes=${[{id:"a",label:`A = ${c(i-1)}`,value:`position ${i-1}`,role:"route",column:0,key:`pos:${i-1}`},{id:"b",label:`B = ${c(i)}`,value:`${i}: ${e.route} writes`,role:"copy",column:1,key:`pos:${i}`},{id:"q",label:"A again",value:`${o}: ${e.match} asks`,role:"match",column:2,key:`pos:${o}`},{id:"o",label:`next: ${c(i)}?`,value:`p = ${b(u.probability,3)}`,role:"copy",column:3,fill:u.probability}]}
          .edges=${y.slice(0,d)}
        ></rung-flow>
        ${t==="now"?a`<p class="run-row">
              <button type="button" data-act="back" ?disabled=${d===1} @click=${()=>this.#n(d-1)}>← Back</button>
              <span>step <strong data-number="step">${d}</strong> of 3</span>
              <button type="button" data-act="next" ?disabled=${d===3} @click=${()=>this.#n(d+1)}>Next →</button>
            </p>`:m}
        ${f.slice(0,d).map(g=>a`<p>${g}</p>`)}
      </div>
      <p class="facts" role="status">
        ${e.edited?a`Without ${p?.ablate.map(g=>g.join(".")).join(", ")}: broken <strong data-number="broken">${h.join(", ")||"none"}</strong> (below ${T(e.broken_below)} of the clean value).
              Loss ${H(l.loss)} → <strong data-number="loss">${H(u.loss)}</strong>.
              ${t==="now"&&this.prediction&&bi(p,e.route)?this.prediction===h.join(",")?"As you said.":"Not what you said.":""}`:a`All three stand. Loss at this query <strong data-number="loss">${b(l.loss,4)}</strong> nats.`}
      </p>
      <p class="caption">
        Chosen by signature: ${e.route}, previous-token score <strong data-number="route-signature">${b(e.route_signature)}</strong>; ${e.match}, induction score
        <strong data-number="match-signature">${b(e.match_signature)}</strong>; floor ${b(e.clue)}.
        ${e.route_signature<e.clue||e.match_signature<e.clue?"Below the floor: these are not the heads for this job.":""}
      </p>
      ${t==="now"?a`<div class="choices" role="group" aria-label="Ablate a head">
            <span>Ablate</span>
            ${e.heads.map(g=>a`<button type="button" data-ablate=${g} aria-pressed=${this.#e().includes(g)?"true":"false"} @click=${()=>this.#r(g)}>${g}</button>`)}
          </div>`:m}`}#s;question(e){return e.edited?"One head is gone. Why do more arrows break than it has?":`Why does ${e.match} not need to read the first A itself?`}explain(e){return a`<p>
        ${v("role:route","Route")} comes first: before ${e.match} runs, B’s place already holds the note “A came before me”. ${v("role:match","Match")} is then an ordinary look-up: the query says
        A, the key says A. ${v("role:copy","Copy")} takes from that place what B itself is.
      </p>
      <p>
        So ablating ${e.route} should break all three arrows, the later ones for want of the first, and ablating ${e.match} only the last: the note is there and the look is right, and nothing is
        carried. Try both; the crosses are measured, on one run of one sequence. Section 12 asks it of many.
      </p>
      <table>
        <caption class="sr">A misreading, and the repair</caption>
        <thead><tr><th scope="col">Misreading</th><th scope="col">Better</th></tr></thead>
        <tbody>
          <tr><td>The induction head looks back twice: to A, then one further.</td><td>It looks once. An <em>earlier</em> layer had moved A’s name to B’s place.</td></tr>
          <tr><td>Two heads side by side share the work.</td><td>One layer moves the feature, a <em>later</em> layer uses it. Side by side, neither can wait for the other.</td></tr>
        </tbody>
      </table>`}python(e){let{answer:t}=this,s=(i,l)=>`(${(i??l.split(".")).join(", ")})`,o=e.ablate.map(i=>`on_head((${i.join(", ")}), Mean(donors))`).join(", ");return`from rung import HookedTransformer
from rung.methods.interventions import Mean, on_head
from rung.methods.steps import induction_steps
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("${e.model}")
task = repeated_tokens(model, period=${e.length}, sequences=1, seed=${e.seed})
donors = repeated_tokens(model, period=${e.length}, sequences=32, seed=${e.seed+1}).tokens
route, match = ${s(e.route,t?.route??"0.0")}, ${s(e.match,t?.match??"1.0")}
clean = induction_steps(model, task.tokens[0], route, match, task.second + ${e.at})
edited = induction_steps(model, task.tokens[0], route, match, task.second + ${e.at}, [${o}])
edited.broken(clean)`}cli(){return null}pin(e){let t=e.edited;return t?{title:`Without ${this.#e().join(", ")}: loss at one query`,rung:3,value:t.loss-e.clean.loss,unit:"nats",n:1,subject:this.#e().join(", ")}:{title:`${e.route} → ${e.match}: score by the note`,rung:2,value:e.clean.route_score,unit:"attention score",n:1,subject:`${e.route} → ${e.match}`}}};customElements.define("rung-s10-steps",Vr);var Dr=n=>Math.min(Math.max(n,0),1),Kr=class extends R{constructor(){super(...arguments);this.name="s10-reach";this.heading="Who can wait for whom?";this.computation="steps.reach";this.live=!1}ask(){return{model:N(),length:G(),seed:U()}}predict(){return a`<p>Take one head away; does another head <em>of the same layer</em> look elsewhere now?</p>
      ${C("Same layer",[["yes","Yes, a little"],["no","No, not by one bit"]],this.prediction,e=>this.setPrediction(e))}`}controls(){return ie()}#e(e){let t=M.from(e.change),[s,o,i]=[0,0,""];return e.heads.forEach((l,h)=>e.heads.forEach((u,d)=>{let c=t.at(h,d);Math.floor(d/e.n_heads)<=Math.floor(h/e.n_heads)?s=Math.max(s,c):c>o&&([o,i]=[c,`${l} → ${u}`])})),{same:s,later:o,pair:i}}see(e,t){let{same:s,later:o,pair:i}=this.#e(e);return a`<rung-heatmap
        label="Largest change of an attention weight"
        .grid=${M.from(e.change)}
        .rows=${e.heads}
        .cols=${e.heads}
        rowName="without"
        colName="reader"
        .size=${320}
        .guides=${[{kind:"row",offset:e.n_heads,label:"next layer"},{kind:"column",offset:e.n_heads,label:"next layer"}]}
        .focusKey=${l=>`head:${e.heads[l]}`}
      ></rung-heatmap>
      <p class="facts">
        Within a layer, or backwards: <strong data-number="same">${s===0?"exactly 0":b(s,6)}</strong>. To a later layer: up to <strong data-number="later">${b(o)}</strong>${i?` (${i})`:""}.
        ${t==="now"&&this.prediction?this.prediction==="no"==(s===0)?"As you said.":"Not what you said.":""}
      </p>
      ${e.refused?a`<p class="caption">The library refuses such an edge: “${e.refused}.”</p>`:m}`}question(){return"Why is a whole block of this map zero to the last bit?"}explain(){return a`<p>
      All heads of a layer read the stream as it was before that layer. What a head writes is added afterwards, so its neighbours cannot have read it: no training changes that. That is why induction needs two
      layers, ${v("role:route","route")} in the earlier and ${v("role:match","match")} in the later. In a model of one layer the whole map is zero.
    </p>`}python(e){return`from rung import HookedTransformer
from rung.methods.steps import pattern_reach
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("${e.model}")
tokens = repeated_tokens(model, period=${e.length}, sequences=1, seed=${e.seed}).tokens
donors = repeated_tokens(model, period=${e.length}, sequences=32, seed=${e.seed+1}).tokens
pattern_reach(model, tokens, donors).change  # [ablated, reader]`}cli(){return null}};customElements.define("rung-s10-reach",Kr);var Jr=class extends j{constructor(){super(...arguments);this.number=10;this.heading="Route, match, copy"}body(){return a`<p>
        You have met two heads by their maps, their pushes and their price. Now watch them work together on <code>A B … A</code>: ${v("role:route","route")} puts A’s name at B,
        ${v("role:match","match")} finds it from the second A, ${v("role:copy","copy")} says B.
      </p>
      ${L("Break an arrow",[{say:a`Say what will break, and run.`,until:"s10-steps:ran"},{say:a`Step to the end: the arrow keys work inside the figure.`,until:"s10-steps:step-3"},{say:a`Ablate the route head.`,until:"s10-steps:ablated"},{say:a`See who can reach whom at all.`,until:"s10-reach:ran"}])}
      <rung-s10-steps></rung-s10-steps>
      <p>Why two layers? Try it: name a route head and a match head of one layer above, and read what the library says. Then look at all pairs.</p>
      <rung-s10-reach></rung-s10-reach>`}};customElements.define("rung-section-10",Jr);var yi=n=>{let r=/^(\d+)\.(\d+)$/.exec(n.trim());return r?[Number(r[1]),Number(r[2])]:null},ki=n=>n.low===n.high?`all ${n.n}`:`${n.n} of them, ${ce(n.low,n.high)}`,$i=n=>`${b(n/2**20,1)} MiB`,an=(n,r)=>n.reduce((e,t)=>r(t)>r(e)?t:e),Fr=class extends R{constructor(){super(...arguments);this.name="s11-tiles";this.heading="QK and OV, token by token";this.computation="weights.tiles"}ask(){let e=yi(this.value("head","1.0"));return e?{model:N(),layer:e[0],head:e[1],sender:e[0]>0?yi(this.value("sender","0.0")):null,size:this.number("size",16),seed:U()}:"Name a head as layer.head, such as 1.0."}predict(){return a`<p>No input now: only weights. For how many tokens of the vocabulary does attending to the token raise <em>that token’s own</em> logit most? Say it for the ${X("copy")} head.</p>
      ${le("Share, in %",100,this.prediction??void 0,e=>this.setPrediction(e),1)}`}controls(){let e=(t,s,o)=>a`<label
      >${s} <input type="text" size="5" data-key=${t} .value=${this.value(t,o)} @change=${i=>{this.put({[t]:i.target.value.trim()}),this.act("chose")}}
    /></label>`;return a`${e("head","Head","1.0")} ${e("sender","Its keys are written by","0.0")}
      <label>Tokens <input type="range" min="4" max="32" .value=${String(this.number("size",16))} @change=${t=>this.put({size:t.target.value})} /><output>${this.number("size",16)}</output></label>
      <label>Seed <input type="number" min="0" max="999999" .value=${String(U())} @change=${t=>q.set({seed:t.target.value})} /></label>`}#e(e,t,s,o,i){let l=d=>o.startsWith("ov")?[d.ov]:[d.composed,d.qk],h=[this.answer,this.beside].flatMap(d=>d===null?[]:l(d)).filter(d=>d!==null),u=vi(...h.flatMap(d=>[M.from(d.right.values),M.from(d.wrong.values)]));return a`<div>
      <p class="caption"><strong>${s}</strong></p>
      <rung-heatmap label=${t.what} .grid=${M.from(t.values)} .rows=${e.tokens} .cols=${e.tokens} rowName=${i[0]} colName=${i[1]} scale="signed" .domain=${u} .size=${260} .digits=${1}></rung-heatmap>
      <p class="caption">
        Diagonal on top, here: ${T(t.sample.value)} of ${t.sample.n}. In the vocabulary: <strong data-number=${o}>${T(t.whole.value,2)}</strong> of ${ki(t.whole)}; mean rank
        ${b(t.mean_rank,1)}.
      </p>
    </div>`}see(e,t){let s=["read","raised"],o=["key","query"],i=t==="now"&&typeof this.prediction=="number"?this.prediction:null;return a`<h4>${X("OV")}: what is carried</h4>
      <div class="pair">
        ${this.#e(e,e.ov.right,`${e.head}: W_V W_O`,"ov",s)} ${this.#e(e,e.ov.wrong,"the wrong reading: transposed","ov-wrong",s)}
      </div>
      ${i===null?m:a`<p class="facts">You said ${i} %; all tokens say ${T(e.ov.right.whole.value,2)}.</p>`}
      <h4>${D("QK")}: where to look</h4>
      <div class="pair">
        ${e.composed?a`${this.#e(e,e.composed.right,`${e.sender} → ${e.head}: keys as ${e.sender} writes them`,"composed",o)}
            ${this.#e(e,e.composed.wrong,"the wrong reading: transposed","composed-wrong",o)}`:m}
        ${this.#e(e,e.qk.right,`${e.head} on bare embeddings`,"qk",o)}
      </div>
      ${e.positions?a`<h4>${oe("Positions")}: by place alone</h4>
            <rung-heatmap label="Score of query position against key position, ${e.head}" .grid=${M.from(e.positions.values)} rowName="query" colName="key" scale="signed" .causal=${!0} .size=${220} .digits=${1}
              .domain=${vi(M.from(e.positions.values))} .guides=${[{kind:"diagonal",offset:-1,label:"one back",role:"route"}]}></rung-heatmap>
            <p class="caption">${e.head} prefers the position before for <strong data-number="one-back">${T(e.positions.share,1)}</strong> of ${e.positions.n} queries, with ${T(e.positions.attention)} of the attention on average.</p>`:a`<p class="caption">No positional map: ${e.no_positions}.</p>`}`}question(){return"The two OV maps are the same numbers multiplied in another order. What told you which is right?"}explain(e){let{composed:t}=e;return a`<p>
        Rows are read, columns written: a token <code>x</code> goes through <code>x W_V W_O W_U</code>. Transposed, the shapes still fit and nothing warns; the diagonal falls from
        ${T(e.ov.right.whole.value,2)} to ${T(e.ov.wrong.whole.value,2)}. And a few tokens flatter: to be the largest of ${e.tokens.length} is easier than of ${e.vocabulary}.
      </p>
      ${t?a`<p>
            On bare embeddings the QK of ${v(`head:${e.head}`,e.head)} matches a token with itself for ${T(e.qk.right.whole.value,1)}: it does not read tokens at its keys. Put in what
            ${v(`head:${e.sender}`,e.sender)} writes there, and it is ${T(t.right.whole.value,1)}. QK tells where to look and OV what is carried; neither tells the other.
          </p>`:m}
      <p>
        Products stay factored: one map of all tokens would take ${$i(e.dense_bytes)}, its two factors take ${$i(e.factored_bytes)}. Weights say what a head is built to do, not that a
        run uses it.
      </p>`}python(e){let t=e.sender?`
tile(model, head, "composed QK", tokens, sender=(${e.sender.join(", ")})).whole.share`:"";return`import torch
from rung import HookedTransformer
from rung.circuits.tiles import tile, transposed_tile

model = HookedTransformer.from_pretrained("${e.model}")
head, tokens = (${e.layer}, ${e.head}), torch.arange(100, ${100+e.size})
tile(model, head, "OV", tokens).whole.share
transposed_tile(model, head, "OV", tokens).whole.share  # the wrong reading${t}`}cli(e){return`rung weights ${e.model} --kind ov --heads ${e.layer}.${e.head}
rung weights ${e.model} --kind qk --heads ${e.layer}.${e.head}`}pin(e){let{whole:t}=e.ov.right;return{test:"mechanism.ov",title:`${e.head}: OV copying, top-1`,rung:4,value:t.value,unit:"of tokens",n:t.n,low:t.low,high:t.high,control:e.ov.wrong.whole.value,floor:e.floor,holds:t.low>=e.floor,subject:e.head}}};customElements.define("rung-s11-tiles",Fr);function vi(...n){let r=Math.max(...n.flatMap(e=>Array.from(e.data,t=>Number.isNaN(t)?0:Math.abs(t))))||1;return[-r,r]}var Gr=class extends R{constructor(){super(...arguments);this.name="s11-copying";this.heading="Two scores for copying";this.computation="weights.heads";this.live=!1}ask(){return{model:N(),seed:U()}}predict(){return a`<p>A known score takes the eigenvalues of the whole OV circuit: 1 if all are positive, which is read as “this head copies”. How many heads of this model will score above 0.8?</p>
      ${le("Heads",16,this.prediction??void 0,e=>this.setPrediction(e),1)}`}see(e,t){let s=e.rows.filter(l=>l.eigenvalues>=e.floor),o=e.rows.filter(l=>l.copying.low>=e.floor),i=[{at:e.floor,label:"floor"}];return a`<p class="caption"><strong>The score that misleads:</strong> eigenvalues, Σ Re λ / Σ |λ|</p>
      <rung-bars label="Eigenvalue copying score" unit="−1 to 1" .domain=${[Math.min(0,...e.rows.map(l=>l.eigenvalues)),1]} .rules=${i} .items=${e.rows.map(l=>({label:l.head,value:l.eigenvalues,key:`head:${l.head}`}))}></rung-bars>
      <p class="caption"><strong>The one that decides:</strong> tokens whose own logit is raised most</p>
      <rung-bars label="OV copying, top-1" unit="of ${e.rows[0]?.copying.n??0} tokens" .domain=${[0,1]} .rules=${i} .digits=${3}
        .items=${e.rows.map(l=>({label:l.head,value:l.copying.value,key:`head:${l.head}`,role:o.includes(l)?"copy":void 0,note:`mean rank ${b(l.mean_rank,1)}`}))}></rung-bars>
      <p class="facts">
        Above ${b(e.floor)}: <strong data-number="eigen">${s.length}</strong> of ${e.rows.length} by eigenvalues, <strong data-number="copies">${o.length}</strong> by top-1
        (${o.map(l=>l.head).join(", ")||"none"}). ${t==="now"&&typeof this.prediction=="number"?`You said ${this.prediction}.`:""}
      </p>`}question(){return"How can the eigenvalue score be high, and the head copy almost nothing?"}explain(e){let t=e.rows.filter(s=>s.eigenvalues>=e.floor&&s.copying.low<e.floor);return a`<p>
        A positive eigenvalue says that a direction comes out as it went in. It does not say that <em>this token’s</em> logit rises above all others: other tokens’ may rise more. ${t.length} head${t.length===1?"":"s"} here pass${t.length===1?"es":""} the one test and fail${t.length===1?"s":""} the other.
      </p>
      <p>So the eigenvalue score describes and decides nothing. The rank of the token’s own logit, over the whole vocabulary, decides.</p>`}python(e){return`from rung import HookedTransformer
from rung.circuits.heads import eigenvalue_copying, sampled_copying

model = HookedTransformer.from_pretrained("${e.model}")
for layer in range(model.config.n_layers):
    for head in range(model.config.n_heads):
        eigenvalue_copying(model, (layer, head)), sampled_copying(model, (layer, head), None).share`}cli(e){return`rung weights ${e.model} --kind ov`}pin(e){let t=an(e.rows,u=>u.copying.value),s=e.rows.filter(u=>u!==t).map(u=>u.copying.value),{value:o,low:i,high:l,n:h}=t.copying;return{test:"mechanism.ov",title:`${t.head}: OV copying, top-1`,rung:4,value:o,unit:"of tokens",n:h,low:i,high:l,...s.length?{control:Math.max(...s)}:{},floor:e.floor,holds:i>=e.floor,subject:t.head}}};customElements.define("rung-s11-copying",Gr);var Yr=class extends R{constructor(){super(...arguments);this.name="s11-pairs";this.heading="Who reads whom?";this.computation="weights.pairs";this.live=!1}ask(){return{model:N(),seed:U()}}predict(){return a`<p>A composition score says how much of what one head writes another can read. Will the pair with the largest score be the pair that does the job?</p>
      ${C("Largest score",[["yes","Yes"],["no","No"]],this.prediction,e=>this.setPrediction(e))}`}controls(){return C("Into",[["Q","into Q"],["K","into K"],["V","into V"]],this.value("into","K"),e=>{this.put({into:e}),this.requestUpdate()})}see(e,t){let{heads:s,n_heads:o}=e,i=this.value("into","K"),l=M.from(e.scores).slice(Math.max(e.into.indexOf(i),0)),[h,u]=[s.slice(0,-o),s.slice(o)],d=w=>M.of([h.length,u.length],h.flatMap((S,B)=>u.map((W,ne)=>w(B,ne)))),c=new Map(e.pairs.map(w=>[`${w.sender}>${w.receiver}`,w.match.value])),p=d((w,S)=>wi(l.at(w,S+o))),[y,f]=[e.pairs[0],an(e.pairs,w=>w.match.value)],g=(w,S)=>({row:h.indexOf(w.sender),col:u.indexOf(w.receiver),label:S}),k=y===f?[g(f,"both")]:[g(y,"largest score"),g(f,"works")],x=(w,S,B)=>a`<rung-heatmap
      .label=${S} .grid=${w} .rows=${h} .cols=${u} rowName="sender" colName="receiver" .domain=${[0,B]} .marks=${k} .size=${240}
      .focusKey=${(W,ne)=>`edge:${h[W]}>${u[ne]}.K`}
      @cell=${()=>this.act("cell")}
    ></rung-heatmap>`,$=(w,S)=>a`<tr>
      <th scope="row">${v(`edge:${w.sender}>${w.receiver}.K`,`${w.sender} → ${w.receiver}`)} <span class="quiet">${S}</span></th>
      <td data-number="norm-${w.sender}-${w.receiver}">${b(w.norm,3)}</td>
      <td>${w.other_pairs===null?"–":b(w.other_pairs,3)}</td>
      <td data-number="match-${w.sender}-${w.receiver}">${T(w.match.value,1)}</td>
    </tr>`;return a`<div class="pair">
        <div><p class="caption"><strong>Composition score, into ${i}</strong></p>${x(p,`Composition score into ${i}`,Math.max(e.chance,...[this.answer,this.beside].flatMap(w=>w===null?[]:Array.from(M.from(w.scores).data,wi))))}</div>
        <div><p class="caption"><strong>Composed QK, top-1</strong></p>${x(d((w,S)=>c.get(`${h[w]}>${u[S]}`)??0),"Composed QK: tokens matched with themselves",1)}</div>
      </div>
      <div class="table-scroll" tabindex="0" role="region" aria-label="Pairs">
        <table>
          <thead><tr><th scope="col">pair, into K</th><th scope="col">score</th><th scope="col">other pairs</th><th scope="col">composed QK top-1</th></tr></thead>
          <tbody>${y===f?$(f,"largest, and works"):[$(y,"the trap: largest score"),$(f,"the pair that works")]}${e.pairs.filter(w=>w!==y&&w!==f).slice(0,4).map(w=>$(w,""))}</tbody>
        </table>
      </div>
      <p class="facts">
        Heads of random weights score <strong data-number="chance">${b(e.gaussian_mean,3)}</strong> ± ${b(e.gaussian_deviation,3)} (1/√d = ${b(e.chance,3)}). Match over ${ki(f.match)} tokens,
        floor ${T(e.floor)}.${e.pairs_left_out?` ${e.pairs_left_out} pairs of low score were left out of the match.`:""}
        ${t==="now"&&this.prediction?this.prediction==="yes"==(y===f)?"As you said.":"Not what you said.":""}
      </p>`}question(e){let t=e.pairs[0];return`${t.sender} → ${t.receiver} has the largest score. What would you have to see before you believe that it matters?`}explain(e){let[t,s]=[e.pairs[0],an(e.pairs,o=>o.match.value)];return t===s?a`<p>Here the largest score happens to be the pair that works. The score did not tell you that; the composed QK did: ${T(s.match.value,1)} of tokens.</p>`:a`<p>
            The score is a ratio of norms: how much of the writing lies where the reader reads. It does not ask <em>what</em> is read. ${v(`edge:${t.sender}>${t.receiver}.K`,`${t.sender} → ${t.receiver}`)}
            overlaps most (${b(t.norm)}) and matches ${T(t.match.value,1)} of tokens; ${v(`edge:${s.sender}>${s.receiver}.K`,`${s.sender} → ${s.receiver}`)} overlaps less (${b(s.norm)}) and
            matches ${T(s.match.value,1)}.
          </p>
          <p>Trained heads share directions, so most pairs lie above the random line: the other pairs of the same layers are the fairer floor. The composed QK, token by token, decides.</p>`}python(e){return`from rung import HookedTransformer
from rung.circuits.composition import composition, gaussian_composition, routed_diagonal

model = HookedTransformer.from_pretrained("${e.model}")
found = composition(model)
found.ranked()[:5], gaussian_composition(model.config.d_model, model.config.d_head, seed=${e.seed})
routed_diagonal(model, (0, 0), (1, 0)).share, routed_diagonal(model, (0, 3), (1, 3)).share`}cli(e){return`rung weights ${e.model} --kind composition`}pin(e){let t=an(e.pairs,u=>u.match.value),s=e.pairs.filter(u=>u!==t).map(u=>u.match.value),{value:o,low:i,high:l,n:h}=t.match;return{test:"mechanism.routed_qk",title:`${t.sender} → ${t.receiver}: composed QK, top-1`,rung:4,value:o,unit:"of tokens",n:h,low:i,high:l,...s.length?{control:Math.max(...s)}:{},floor:e.floor,holds:i>=e.floor,subject:`${t.sender} → ${t.receiver}`}}};customElements.define("rung-s11-pairs",Yr);var wi=n=>Number.isNaN(n)?0:n,vl=[["QK on embeddings","Which token does a query look for?","Row by row: is the diagonal the largest? Only for heads that read tokens as they are."],["Composed QK","Does it look for what that head wrote?","The same, with keys as the sender writes them. It decides."],["Positional QK","Which place does a query look for?","One below the diagonal, with more than half of the attention."],["OV top-1","What comes out when it attends to a token?","Over the whole vocabulary: the token’s own logit first. It decides."],["Eigenvalue score","Does OV keep directions?","High for almost any head. It describes."],["Composition score","Can one read what the other writes?","Against random heads and the other pairs. It describes."]],Qr=class extends j{constructor(){super(...arguments);this.number=11;this.heading="Weights"}body(){return a`<p>All you measured so far speaks of the inputs that you ran. Weights speak of what a head is <em>built</em> to do, whatever the input.</p>
      <p>
        Two products tell it. <code>W_Q W_Kᵀ</code> says ${D("where to look")}; <code>W_V W_O</code> says ${X("what is carried")}. Composition asks whether one head writes what another reads.
      </p>
      <div class="wide-table" tabindex="0" role="region" aria-label="Analyses of weights">
        <table>
          <thead><tr><th scope="col">Analysis</th><th scope="col">Question</th><th scope="col">How to read it</th></tr></thead>
          <tbody>${vl.map(([e,t,s])=>a`<tr><th scope="row">${e}</th><td>${t}</td><td>${s}</td></tr>`)}</tbody>
        </table>
      </div>
      ${L("Weights alone",[{say:a`Guess how often the copy head copies, and run.`,until:"s11-tiles:ran"},{say:a`Choose another head, 0.0 say: what does it copy, and where does it look?`,until:"s11-tiles:chose"},{say:a`Hold the two copying scores against each other.`,until:"s11-copying:ran"},{say:a`Find the trap among the pairs.`,until:"s11-pairs:ran"}])}
      <rung-s11-tiles></rung-s11-tiles>
      <rung-s11-copying></rung-s11-copying>
      <rung-s11-pairs></rung-s11-pairs>`}};customElements.define("rung-section-11",Qr);var rs=["behaviour","clue","contribution","causal support","mechanism"],wl={holds:"✓",fails:"✗",contradicted:"✗",inconclusive:"?","not applicable":"?","not run":"○"},xi=n=>n.replace(" ","-"),Xr=class extends K{constructor(){super(...arguments);this.graph=null}static{this.properties={graph:{attribute:!1}}}render(){let{graph:e}=this;if(!e)return m;let t=Math.max(270,Math.min(this.width||640,680)),s=t<430,[o,i,l,h]=s?[t*.45,t*.45,32,6]:[200,220,32,6],u=e.nodes.filter(g=>!g.is_rung).sort((g,k)=>k.rung-g.rung),d=new Map;u.forEach((g,k)=>d.set(g.id,h+k*l));let c=h+u.length*l+6;for(let g of e.nodes.filter(k=>k.is_rung)){let k=u.flatMap(($,w)=>$.rung===g.rung?[w]:[]),x=k.length?(k[0]+k[k.length-1])/2:u.length-1-g.rung;d.set(g.id,h+x*l)}let p=e.nodes.filter(g=>g.is_rung).sort((g,k)=>k.rung-g.rung);p.forEach((g,k)=>{k&&d.set(g.id,Math.max(d.get(g.id),d.get(p[k-1].id)+l+4))});let y=Math.max(c,...p.map(g=>d.get(g.id)+l)),f=t-i;return a`<figure>
      <svg class=${s?"small":""} width=${t} height=${y} role="img" aria-label=${this.say(e)}>
        ${e.edges.map(g=>{let[k,x]=[d.get(g.source),d.get(g.target)],$=g.source.startsWith("rung:"),w=f+i/2,S=$?`M${w} ${k}V${x+26}`:`M${o} ${k+13}C${o+26} ${k+13} ${f-26} ${x+13} ${f} ${x+13}`;return I`<path class="wire ${xi(g.fill)}" d=${S}></path>`})}
        ${e.nodes.map(g=>{let[k,x]=g.is_rung?[f,i]:[0,o],$=A.current===`s12:${g.id}`;return I`<g class="${xi(g.fill)} ${g.is_rung?"rung-box":""} ${$?"lit":""}"
            @pointerenter=${()=>A.peek(`s12:${g.id}`)} @pointerleave=${()=>A.peek(null)}>
            <rect class="box" x=${k+1} y=${d.get(g.id)} width=${x-2} height="26" rx="5"></rect>
            <text class="name" x=${k+8} y=${d.get(g.id)+17}>${wl[g.fill]} ${g.is_rung?`${g.rung} `:""}${g.label}</text>
            ${s?m:I`<text x=${k+x-8} y=${d.get(g.id)+17} text-anchor="end">${g.held}/${g.tests.length}</text>`}
          </g>`})}
      </svg>
      <figcaption class="quiet">✓ holds · ✗ fails · ? undecided, or its own tests hold above a gap · ○ not measured. The number: tests that hold, of those required.</figcaption>
    </figure>`}say(e){return`Evidence graph. ${e.nodes.map(t=>`${t.label}: ${t.fill}, ${t.held} of ${t.tests.length}`).join("; ")}`}};customElements.define("rung-evidence",Xr);var ss=n=>a`
  <p class="facts"><strong data-verdict>${n.sentence}</strong></p>
  ${n.weakest?a`<p class="facts">Weakest link: <span data-weakest>${n.weakest}</span></p>`:m}
  <rung-evidence .graph=${n.graph}></rung-evidence>
  <details ?open=${A.current?.startsWith("s12:rows")??!1}>
    <summary>Every required test: effect, interval, control, floor</summary>
    <rung-ladder
      .verdict=${null}
      .measurements=${n.graph.rows.map(r=>{let e=r.checks[0];return{id:r.test,title:r.name,subject:r.subject,rung:r.rung,outcome:r.outcome,unit:r.unit,value:e?.value,low:e?.low,high:e?.high,n:e?.n,floor:e?.floor,control:r.controls[0]?.[1],note:r.checks.length?r.words:void 0}})}
    ></rung-ladder>
  </details>`,os=(n,r,e)=>a`
  <fieldset class="choose">
    <legend>Which rung will it reach?</legend>
    ${["nothing",...rs].map((t,s)=>a`<label>
      <input type="radio" name="${n}-guess" .checked=${r===s-1} @change=${()=>e(s-1)} />${t}</label>`)}
  </fieldset>`,ln=n=>n<0?"nothing":rs[n],is=(n,r)=>typeof n=="number"?a`<p>You said <strong>${ln(n)}</strong>; the tests give <strong data-rung>${ln(r.rung)}</strong>.</p>`:a`<p>The tests give <strong data-rung>${ln(r.rung)}</strong>. You predicted nothing.</p>`,Ai=(n,r)=>n.rung<0?null:{title:r,rung:n.rung,value:n.rung,unit:"rung",n:n.sequences,subject:n.circuit,holds:!0},_i=n=>a`
  <label>Heads (empty: found by a search)
    <input type="text" size="34" placeholder="previous_token=0.0; induction=1.0" .value=${n.value("heads")}
      @change=${r=>n.put({heads:r.target.value.trim()||null})} />
  </label>`,kl=["behaviour.gain","behaviour.order","clue.signature"],Zr=class extends R{constructor(){super(...arguments);this.name="s12-part";this.heading="A verdict from the tests you ran";this.computation="ladder.part";this.live=!1;this.#e=[];this.#t="";this.#n=""}#e;#t;#n;chosen(){let e=this.value("tests");if(e)return e==="none"?[]:e.split(",");let t=_.pins.flatMap(s=>s.test&&this.#e.some(o=>o.test===s.test)?[s.test]:[]);return[...new Set(t.length?t:kl)]}async list(){let e={model:N(),heads:this.value("heads")},t=JSON.stringify(e);if(t!==this.#t){this.#t=t;try{this.#e=(await F("ladder.required",e,{panel:`${this.name}-list`})).tests,this.#n=""}catch(s){s instanceof Error&&s.name!=="AbortError"&&(this.#n=s.message),this.#t=this.#n?this.#t:""}this.requestUpdate()}}updated(){this.#t&&this.#t!==JSON.stringify({model:N(),heads:this.value("heads")})&&this.list()}ask(){let e=this.chosen();return e.length?{model:N(),heads:this.value("heads"),tests:e}:"Choose at least one test."}predict(){return a`${os(this.name,this.prediction,e=>this.setPrediction(e))}`}controls(){let e=this.chosen(),t=[...new Map(this.#e.map(o=>[o.test,o])).values()],s=(o,i)=>{let l=i?[...e,o]:e.filter(h=>h!==o);this.put({tests:l.join(",")||"none"}),this.act(i?"added":"removed")};return a`${_i(this)}
      ${this.#n?a`<p class="problem" role="alert">${this.#n}</p>`:m}
      ${t.length===0?a`<p><button type="button" data-act="list" @click=${()=>{this.list()}}>List the tests of this claim</button>
            <span class="quiet">until then: ${e.length} chosen</span></p>`:rs.map((o,i)=>a`<fieldset class="choose"><legend>${i} ${o}</legend>
            ${t.filter(l=>l.rung===i).map(l=>{let h=_.pins.some(u=>u.test===l.test);return a`<label><input type="checkbox" data-test=${l.test} .checked=${e.includes(l.test)}
                @change=${u=>s(l.test,u.target.checked)} />${l.name}${h?a` <span class="quiet">pinned</span>`:m}</label>`})}</fieldset>`)}`}see(e,t){return a`${t==="now"?is(this.prediction,e):m}
      <p class="quiet">Claim: ${e.circuit}, on ${e.sequences} confirmation sequences.</p>${ss(e)}`}question(e){return e.rung<4?`Which one test would lift it above ${ln(e.rung)}, and could it also fail?`:"Which test would you drop first, and how far would the verdict fall?"}explain(e){let t=e.graph.rows.filter(s=>s.outcome==="not run").length;return a`<p>The verdict is the highest rung up to which <em>every</em> required test was run and holds. ${t} required tests were not run, and each of them stops it where it stands. A test that you leave out never counts for you.</p>
      <p>A pin chooses the test; the number is measured again here, on confirmation sequences that follow from a hash of the heads and the weights. What you saw while looking around confirms nothing.</p>`}python(e){return`from rung import HookedTransformer
from rung.evidence.prove import prepare, prove_part
from rung.views.wording import verdict_sentence

model = HookedTransformer.from_pretrained(${JSON.stringify(e.model)})
found = prepare("induction", model)
proof = prove_part(found, ${JSON.stringify(e.tests)})
print(verdict_sentence(proof))`}cli(){return null}pin(e){return Ai(e,`Verdict from ${e.graph.rows.filter(t=>t.outcome!=="not run").length} tests: ${e.rung_name}`)}};customElements.define("rung-s12-part",Zr);var es=class extends R{constructor(){super(...arguments);this.name="s12-proof";this.heading="The whole proof";this.computation="ladder.prove";this.live=!1}ask(){return{model:N(),heads:this.value("heads")}}predict(){return os(this.name,this.prediction,e=>this.setPrediction(e))}controls(){return _i(this)}see(e,t){return a`${t==="now"?is(this.prediction,e):m}${ss(e)}
      <p>
        <button type="button" data-act="to-drawer" @click=${()=>{_.setProof(JSON.parse(e.record)),this.act("kept-record")}}>Put the record into the drawer</button>
        <button type="button" data-act="record" @click=${()=>{as("induction.json",e.record,"application/json"),this.act("kept-record")}}>Download the record</button>
        <span class="quiet">Then: <code>rung verify induction.json</code></span>
      </p>`}question(e){return e.weakest?"Is the weakest link a fault of the model, or of the claim?":"What would have to be wrong for this verdict to be wrong?"}explain(e){return a`<p>${e.graph.rows.length} tests were required, and none of them is yours to choose: they follow from where each role writes and what the edge joins. Each is held to a floor fixed beforehand, by the careful end of its interval.</p>
      <p>It says <em>a</em> circuit, never <em>the</em> circuit, and it names its scope: random repeats, with what the heads do on prose beside it.</p>`}python(e){let t=e.heads?`rung.claims.INDUCTION.with_heads(${xl(e.heads)})`:'"induction"';return`import rung

model = rung.HookedTransformer.from_pretrained(${JSON.stringify(e.model)})
print(rung.prove(${t}, model))`}cli(e){let t=e.heads.split(";").map(s=>s.trim()).filter(Boolean).map(s=>` --heads ${s.replace(/\s/g,"")}`).join("");return`rung prove induction --model ${e.model}${t}
rung verify induction.json`}pin(e){return Ai(e,`Whole proof: ${e.rung_name}`)}};customElements.define("rung-s12-proof",es);var xl=n=>`{${n.split(";").map(r=>r.trim()).filter(Boolean).map(r=>{let[e,t]=r.split("=");return`"${e.trim()}": [${(t??"").split(",").map(s=>`(${s.trim().replace(".",", ")})`).join(", ")}]`}).join(", ")}}`;function as(n,r,e){let t=URL.createObjectURL(new Blob([r],{type:e})),s=document.createElement("a");s.href=t,s.download=n,s.click(),setTimeout(()=>URL.revokeObjectURL(t),1e3)}var Ti={stripe:["A stripe without copying","The claimed head has a perfect stripe. Another head of its layer copies."],fixed_distance:["A fixed-distance head","The claimed head always looks the same number of tokens back, and copies what stands there."],wrong_edge:["Right heads, wrong edge","Both heads are right. The claim says that the edge between them ends in queries."]},ts=class extends R{constructor(){super(...arguments);this.name="s12-decoys";this.heading="Three decoys";this.computation="ladder.decoy";this.live=!1}ask(){return{decoy:this.value("decoy","stripe"),seed:this.number("seed",0)}}predict(){return a`<p>${Ti[this.ask().decoy]?.[1]??""}</p>${os(this.name,this.prediction,e=>this.setPrediction(e))}`}controls(){let e=this.ask();return a`<fieldset class="choose"><legend>Decoy</legend>
        ${Object.entries(Ti).map(([t,[s]])=>a`<label><input type="radio" name="s12-decoy" value=${t} .checked=${e.decoy===t}
          @change=${()=>this.put({decoy:t})} />${s}</label>`)}</fieldset>
      <label>Seed <input type="number" min="0" max="9999" .value=${String(e.seed)}
        @change=${t=>this.put({seed:Number(t.target.value)||0})} /></label>`}see(e,t){return a`${t==="now"?is(this.prediction,e):m}
      <p>By construction a sound verdict goes no higher than <strong data-truth>${e.truth_name}</strong>; it reached ${e.rung_name}. ${e.rung>e.truth?a`<strong>Too high.</strong>`:m}</p>
      ${ss(e)}`}question(){return"Which picture would have fooled you, and which number did not?"}explain(e){return a`<p>${e.why}</p><p>${v("s12:kind:pattern","Pattern")} alone would have passed ${e.rung>=1?"this one":"the route head, and not this one"}. The test that stops it: ${e.weakest}.</p>`}python(e){return`from dataclasses import replace

from rung import prove
from rung.evidence.claim import INDUCTION
from rung.planted import plant

planted = plant(${JSON.stringify(e.decoy)}, seed=${e.seed})
edge = replace(INDUCTION.edges[0], into=planted.into)
claim = replace(INDUCTION, edges=(edge,)).with_heads(planted.heads)
print(prove(claim, planted.model))
print(planted.why)`}cli(){return null}};customElements.define("rung-s12-decoys",ts);var ns=class extends j{constructor(){super(...arguments);this.number=12;this.heading="The ladder"}body(){return a`
      <p>You have pins. What may you say? A pattern is a ${v("s12:rung:1","clue")}. Attribution shows ${v("s12:rung:2","contribution")}. An intervention shows ${v("s12:rung:3","causal support")}. Only weights, read together with the causes, show a ${v("s12:rung:4","mechanism")}.</p>
      <p>The verdict is computed. Each kind of evidence carries one rung: ${v("s12:kind:pattern","pattern")}, ${v("s12:kind:attribution","attribution")}, ${v("s12:kind:ablation","ablation")}, and for the top rung ${v("s12:kind:QK","QK")}, ${v("s12:kind:OV","OV")} and ${v("s12:kind:composition","composition")}. A test that fails lowers it. A test that was not run is an empty node, and nothing above it counts.</p>
      <p><strong>The tempting reading:</strong> many good numbers add up to a proof. <strong>The better one:</strong> one missing link, and the chain ends there.</p>
      ${L("Climb the ladder",[{say:a`Say which rung the chosen tests will reach, and run them.`,until:"s12-part:ran"},{say:a`List the claim's tests, and add one.`,until:"s12-part:added"},{say:a`Now run the whole proof. It takes some seconds; each test reports as it runs.`,until:"s12-proof:ran"},{say:a`Try a decoy.`,until:"s12-decoys:ran"}])}
      <rung-s12-part></rung-s12-part>
      <p>One button runs everything. The record that it leaves is data: anyone with the same weights executes it again.</p>
      <rung-s12-proof></rung-s12-proof>
      <p>A ladder is worth what it refuses. These three models were wired by hand, so that the truth is known; the heads were then hidden by a random rotation.</p>
      <rung-s12-decoys></rung-s12-decoys>`}};customElements.define("rung-section-12",ns);var ft={a:{id:"a",ask:"Why does induction need two layers, and what does each contribute?",points:[{text:"Heads of one layer read the same input: none can wait for another.",section:10,where:"Route, match, copy"},{text:"The earlier layer routes: at B's position it writes that A came before.",section:10,where:"Route, match, copy"},{text:"The later layer matches what was written, and copies B to the output.",section:10,where:"Route, match, copy"},{text:"They meet in the residual stream, which both read and write.",section:4,where:"The residual stream"}]},b:{id:"b",ask:"Why cache a run before you intervene?",points:[{text:"The clean run is what every change is measured against.",section:8,where:"Cache, hook, measure"},{text:"The cache says which place is worth a hook, and gives the values to put there: a mean, another run's.",section:8,where:"Cache, hook, measure"},{text:"Without a look first, you may silence a head that does nothing here and call it unneeded.",section:7,where:"Signatures"}]},c:{id:"c",ask:"A head shows a clean stripe. What lifts it beyond a clue?",points:[{text:"Contribution: it pushes the right token, more than heads without a role.",section:9,where:"Attribution"},{text:"Causal support: the loss rises when this head is ablated, held to a floor and beside other heads.",section:8,where:"Cache, hook, measure"},{text:"The reason: with another sequence's output in its place the model says that sequence's token.",section:12,where:"The ladder"},{text:"Mechanism: OV copies, and QK matches what the earlier head wrote.",section:11,where:"Weights"}]},d:{id:"d",ask:"What does QK tell you that OV does not, and the reverse?",points:[{text:"QK: which source a query attends to. It says nothing of what arrives.",section:11,where:"Weights"},{text:"OV: what is moved from a source, wherever attention points. It says nothing of where.",section:11,where:"Weights"},{text:"In one layer the two tables are separate: raise two right triples, and two wrong ones rise.",section:5,where:"Skip-trigrams"},{text:"Both are about weights; whether the model uses them here is another question.",section:12,where:"The ladder"}]},e:{id:"e",ask:"A new task: key–value pairs, then one of the keys again. Which signatures, interventions and weight checks do you take first?",points:[{text:"Two signatures: one back at the value, and from the query to what followed the earlier key.",section:7,where:"Signatures"},{text:"Ablate, exchange, and patch the edge into keys: needed, for what, and through which input.",section:8,where:"Cache, hook, measure"},{text:"OV for what is copied, composed QK for what is matched.",section:11,where:"Weights"}]}},Ri="rung-checks",un=()=>{try{return JSON.parse(localStorage.getItem(Ri)??"{}")}catch{return{}}},Mi=(n,r)=>{try{localStorage.setItem(Ri,JSON.stringify({...un(),[n]:r}))}catch{}},ls=class extends Z{constructor(){super(...arguments);this.check=null;this.#e=!1;this.#t=""}static{this.properties={check:{attribute:!1}}}#e;#t;render(){let{check:e}=this;if(!e)return m;let t=un()[e.id]??"",s=new Set((un()[`${e.id}-ticks`]??"").split(",").filter(Boolean));return a`<div class="check">
      <label for="s13-${e.id}-text">${e.ask}</label>
      <textarea id="s13-${e.id}-text" rows="4" .value=${t} placeholder="In your words. It stays in this browser."
        @input=${o=>Mi(e.id,o.target.value)}></textarea>
      <p><button type="button" data-act="hold" aria-expanded=${this.#e?"true":"false"} @click=${()=>this.hold()}>${this.#e?"Hide the points":"Hold it against the points"}</button>
        <span role="status">${this.#t}</span></p>
      ${this.#e?a`<p class="quiet">Tick what your answer says. Where it does not, follow the link and look.</p>
            <ul class="points">${e.points.map((o,i)=>a`<li><label><input type="checkbox" data-point=${i} .checked=${s.has(String(i))}
                @change=${l=>this.tick(s,i,l.target.checked)} /> ${o.text}</label>
              <a href="#section-${o.section}">Section ${o.section}: ${o.where}</a></li>`)}</ul>
            <p data-ticked>${s.size} of ${e.points.length} points said.</p>`:m}
    </div>`}hold(){let{check:e}=this;!this.#e&&!(un()[e.id]??"").trim()?this.#t="Write a line first: the points teach little before you have tried.":(this.#e=!this.#e,this.#t="",se.tell(`s13:${e.id}`),this.#e&&se.tell("s13:held")),this.requestUpdate()}tick(e,t,s){s?e.add(String(t)):e.delete(String(t)),Mi(`${this.check.id}-ticks`,[...e].join(",")),this.requestUpdate()}};customElements.define("rung-check",ls);var Si=n=>a`
  <p class="facts"><strong data-passed=${n.passed?"yes":"no"}>${n.passed?"✓ It tells them apart.":"✗ Not yet."}</strong> <span data-sentence data-mistake=${n.mistake}>${n.sentence}</span></p>
  ${n.cases.length===0?m:a`<div class="table-scroll" tabindex="0" role="region" aria-label="Every model, and what your choice said">
        <table class="cases">
          <thead><tr><th scope="col">model</th><th scope="col">claim</th><th scope="col">your tests</th><th scope="col">you would</th></tr></thead>
          <tbody>${n.cases.map(r=>a`<tr data-model=${r.model} data-accepted=${r.accepted?"yes":"no"}>
            <th scope="row"><strong>${r.model.replace(/_/g," ")}</strong><br /><span class="quiet">${r.why}</span></th>
            <td>${r.genuine?"true":"false"}</td>
            <td>${r.outcomes.map(([e,t])=>a`${e}: ${t}<br />`)}</td>
            <td>${r.accepted?"accept":"reject"} ${r.accepted===r.genuine?"✓ rightly":"✗ wrongly"}</td>
          </tr>`)}</tbody>
        </table>
      </div>`}`,bt=(n,r,e,t,s)=>a`
  <fieldset class="choose"><legend>${r}</legend>${t.map(([o,i])=>a`<label>
    <input type="radio" name=${n} value=${o} .checked=${e===o} @change=${()=>s(o)} />${i}</label>`)}</fieldset>`,us=(n,r,e,t)=>a`
  <fieldset class="choose"><legend>${n}</legend>${e.map(([s,o])=>a`<label>
    <input type="checkbox" value=${s} .checked=${r.includes(s)}
      @change=${i=>t(i.target.checked?[...r,s]:r.filter(l=>l!==s))} />${o}</label>`)}</fieldset>`,Tl=[["clue.signature","its attention pattern, beside unrepeated text"],["contribution.direct","its direct push of the right token"],["support.necessity","ablate it"],["support.denoising","restore it in a corrupted run"],["support.interchange","exchange its output with another sequence's"],["support.edge","patch the edge from the head that feeds it"],["mechanism.ov","OV: what it copies"],["mechanism.routed_qk","composed QK: what it matches"]],hs=class extends R{constructor(){super(...arguments);this.name="s13-lift";this.heading="(c) What lifts a clean stripe beyond a clue?";this.computation="checks.lift";this.live=!1}list(){return this.value("tests").split(",").filter(Boolean)}ask(){return{tests:this.list(),subject:this.value("subject","head"),held_to:this.value("held_to","floor")}}predict(){return a`<rung-check .check=${ft.c}></rung-check>`}controls(){let e=this.ask();return a`<p>Now choose, and have it run. Five models, each with a clean stripe; in one of them the striped head is the circuit's.</p>
      ${us("Tests",e.tests,Tl,t=>this.put({tests:t.join(",")||null}))}
      ${bt("s13-subject","Run on",e.subject,[["head","the striped head"],["layer","every head of its layer"],["route","the head that feeds it"]],t=>this.put({subject:t}))}
      ${bt("s13-held","A test holds",e.held_to,[["floor","above a floor fixed beforehand, beside its control"],["zero","with any effect above zero"]],t=>this.put({held_to:t}))}`}see(e){return Si(e)}question(e){return e.passed?"Which of your tests could you drop?":"Which model fooled you, and what would tell it from the true one?"}explain(){return a`<p>Nothing here was compared with a solution. Your tests ran on models whose circuit was set by hand, and were asked one thing: do they hold where the claim is true, and fail where it is not? More than one choice passes.</p>`}python(e){return`from rung.course import LiftChoice, check_lift

choice = LiftChoice((${e.tests.map(s=>JSON.stringify(s)).join(", ")}${e.tests.length===1?",":""}), subject="${e.subject}", held_to="${e.held_to}")
print(check_lift(choice).sentence)`}cli(){return null}};customElements.define("rung-s13-lift",hs);var cs=class extends R{constructor(){super(...arguments);this.name="s13-plan";this.heading="(e) A new task: your plan";this.computation="checks.plan";this.live=!1}list(e){return this.value(e).split(",").filter(Boolean)}ask(){let[e,t]=[this.value("route"),this.value("match")];return!e||!t?"Choose a signature for each of the two heads.":{route:e,match:t,interventions:this.list("interventions"),into:this.value("into","K"),weights:this.list("weights")}}predict(){return a`<rung-check .check=${ft.e}></rung-check>`}controls(){let e=s=>o=>this.put({[s]:o.join(",")||null}),t=s=>o=>this.put({[s]:o});return a`<p><code>k₁ v₁ k₂ v₂ k₃ v₃ … k₂ → v₂</code>: the pairs come again in another order. The planted models of the induction circuit do this task too; your plan runs on seven of them.</p>
      ${bt("s13-route","The head that feeds the look-up, seen from the value, attends",this.value("route"),[["one_back","one token back"],["two_back","two tokens back"],["itself","to the value itself"]],t("route"))}
      ${bt("s13-match","The look-up head, seen from the asked key, attends",this.value("match"),[["value","to what followed the earlier key"],["key","to the earlier key"],["last","to the last token"]],t("match"))}
      ${us("Interventions",this.list("interventions"),[["ablate","ablate the look-up head"],["exchange","exchange its output with another sequence's"],["path","patch the edge between the two heads"]],e("interventions"))}
      ${bt("s13-into","The edge ends in",this.value("into","K"),[["Q","queries"],["K","keys"],["V","values"]],t("into"))}
      ${us("Weight checks",this.list("weights"),[["ov","OV: what is copied"],["composed_qk","QK on what the other head wrote"],["embedding_qk","QK on embeddings alone"],["positional","positional QK of the head that feeds it"]],e("weights"))}`}see(e){return Si(e)}question(e){return e.passed?"Which decoy would have cost you a week?":"What does the named model have that your plan never looks at?"}explain(){return a`<p>Signatures are graded by the head that they find. Interventions and weight checks are graded by what they say of one true circuit and six decoys, two of which pass every intervention and fail in their weights.</p>`}python(e){let t=s=>`(${s.map(o=>JSON.stringify(o)).join(", ")}${s.length===1?",":""})`;return`from rung.course import PlanChoice, check_plan

choice = PlanChoice(
    route="${e.route}",
    match="${e.match}",
    interventions=${t(e.interventions)},
    into="${e.into}",
    weights=${t(e.weights)},
)
print(check_plan(choice).sentence)`}cli(){return null}};customElements.define("rung-s13-plan",cs);var ds=class extends j{constructor(){super(...arguments);this.number=13;this.heading="Five checks"}body(){return a`
      <p>Five questions. Answer each in your own words before you look at the points. Your words stay in this browser; nothing is sent.</p>
      <p>Three of them you hold against the points yourself. For (c) and (e) you also choose, and what you choose is <strong>run</strong> on models whose truth is known. If your choice has a hole, a decoy walks through it, and you are told which.</p>
      ${L("Five checks",[{say:a`Answer (a), and hold it against the points.`,until:"s13:a"},{say:a`In (c), choose tests and run them.`,until:"s13-lift:ran"},{say:a`In (e), plan for a task that this page never showed.`,until:"s13-plan:ran"}])}
      <h3>(a)</h3><rung-check .check=${ft.a}></rung-check>
      <h3>(b)</h3><rung-check .check=${ft.b}></rung-check>
      <rung-s13-lift></rung-s13-lift>
      <h3>(d)</h3><rung-check .check=${ft.d}></rung-check>
      <rung-s13-plan></rung-s13-plan>`}};customElements.define("rung-section-13",ds);var ps=class extends Z{constructor(){super(...arguments);this.move=null;this.#e=null;this.#t="";this.#n="";this.#r="";this.#s=!1;this.#o=!1;this.#a=null;this.#i=null}static{this.properties={move:{attribute:!1}}}#e;#t;#n;#r;#s;#o;#a;#i;render(){let{move:e}=this;return e?a`<article class="panel" id="s14-${e.name}" aria-labelledby="s14-${e.name}-heading">
      <h3 id="s14-${e.name}-heading">${e.title}</h3>
      <label>Predict: what will the last cell print?
        <input type="text" autocomplete="off" .value=${this.#t} @input=${t=>{this.#t=t.target.value}} /></label>
      ${e.cells.map((t,s)=>a`<p>${t.words}</p>
        <pre tabindex="0" aria-label="Code of cell ${s+1}"><code>${t.code}</code></pre>
        ${this.#e?.[s]?a`<pre class="printed" tabindex="0" aria-label="Printed by cell ${s+1}" data-cell=${s}>${this.#e[s]}</pre>`:m}`)}
      ${this.#e?a`<p>You predicted: ${this.#t.trim()||"nothing"}. The last cell printed what stands above.</p>`:m}
      <p>
        <button type="button" class="primary" data-act="run" @click=${()=>{this.start()}}>${this.#e?"Run again":"Run"}</button>
        <button type="button" data-act="copy" @click=${()=>{this.copy()}}>Copy</button>
        <button type="button" data-act="notebook" @click=${()=>{as(`${e.name}.ipynb`,e.notebook,"application/x-ipynb+json"),se.tell("s14:notebook")}}>Open notebook</button>
        ${this.#o&&this.#s?a`<span class="waiting" role="status">${this.#a?`Running ${this.#a.step}`:"Waiting for its turn"}
              <button type="button" data-act="cancel" @click=${()=>this.#i?.abort()}>Cancel</button></span>`:m}
      </p>
      <p class="status" role="status">${this.#r}</p>
      ${this.#n?a`<p class="problem" role="alert">${this.#n}</p>`:m}
    </article>`:m}async start(){let e=this.move;this.#i?.abort();let t=this.#i=new AbortController;[this.#o,this.#s,this.#a,this.#n,this.#r]=[!0,!1,null,"",""];let s=setTimeout(()=>{this.#s=!0,this.requestUpdate()},400);try{let o=await F("moves.run",{move:e.name},{panel:`s14-${e.name}`,signal:t.signal,onProgress:i=>{this.#a=i,this.requestUpdate()}});this.#e=o.printed,this.#r=`${e.title}: done.`,se.tell(`s14:${e.name}`),se.tell("s14:ran")}catch(o){if(t!==this.#i)return;Te(o)||o instanceof ee&&o.kind==="cancelled"?this.#r="Cancelled. Press Run to start again.":this.#n=o instanceof Error?o.message:String(o)}finally{clearTimeout(s),t===this.#i&&(this.#o=!1),this.requestUpdate()}}async copy(){let e=`${this.move.cells.map(t=>`# ${t.words}
${t.code}`).join(`

`)}
`;try{await navigator.clipboard.writeText(e),this.#r="Copied."}catch{this.#r="This browser does not let the page copy; use Open notebook, or select the code."}se.tell("s14:copied"),this.requestUpdate()}};customElements.define("rung-move",ps);var ms=class extends j{constructor(){super(...arguments);this.number=14;this.heading="Notebook moves";this.#e=[];this.#t="";this.#n=!1}#e;#t;#n;connectedCallback(){super.connectedCallback(),this.#n||this.fetch()}async fetch(){this.#n=!0;try{this.#e=(await F("moves.list",{},{panel:"s14-list"})).moves,this.#t=""}catch(e){this.#t=e instanceof Error?e.message:String(e)}this.requestUpdate()}body(){return a`
      <p>Five moves carry you from this page into a notebook. Each is a few lines that you may run here, copy, or open as a notebook. What runs is the code you see; the page sends its name and nothing else.</p>
      <p>In a notebook, look first and touch later: ${v("s14:cache","cache")} a run, read it, then ${v("s14:hook","hook")} a place and change it. An intervention without a look before it changes something you have not seen.</p>
      ${L("Take it with you",[{say:a`Say what the last cell of a move will print, then run it.`,until:"s14:ran"},{say:a`Run the hook move: which head's ablation moves the loss?`,until:"s14:hook"},{say:a`Take one move as a notebook.`,until:"s14:notebook"}])}
      ${this.#t?a`<p class="problem" role="alert">${this.#t} <button type="button" @click=${()=>{this.fetch()}}>Ask again</button></p>`:m}
      ${this.#e.length||this.#t?m:a`<p role="status">Fetching the code of the moves.</p>`}
      ${this.#e.map(e=>a`<rung-move .move=${e}></rung-move>`)}`}};customElements.define("rung-section-14",ms);var Al=[["#section-2","its hooks and weights, on your text",()=>!0],["#section-3","direct path and attention path",()=>!0],["#section-4","the ledger of its residual stream",n=>n.has_tokenizer],["#section-6","the board: does it predict repeated tokens?",()=>!0],["#section-7","the signatures of its heads",n=>n.n_layers>0],["#section-8","ablating, patching, and a sweep over its heads",n=>n.n_layers>0],["#section-9","attribution, and why a head attends where it does",n=>n.n_layers>0],["#section-11","QK, OV and composition",n=>n.n_layers>0],["#section-12","the full proof",n=>n.n_layers>1]],gs=class extends Z{#e=q.get("model","two-layer");#t=null;#n="";#r=null;async#s(){let r=this.#e.trim();if(this.#n=r?"":"Type the name of a model, a folder, or a GGUF file.",this.requestUpdate(),!!r)try{this.#r={step:`Loading ${r}`,done:0,total:0},this.#t=await F("workbench.open",{model:r},{panel:"workbench",onProgress:e=>{this.#r=e,this.requestUpdate()}}),q.set({model:this.#t.model})}catch(e){if(Te(e))return;this.#n=e instanceof Error?e.message:String(e)}finally{this.#r=null,this.requestUpdate()}}render(){let r=this.#t;return a`<section aria-labelledby="workbench-heading">
      <h2 id="workbench-heading">Workbench</h2>
      <p>
        Everything above runs on any model that Rung can load. Name one, and the whole page is about it: a bundled or
        fetched model, a folder with <code>config.json</code> and <code>model.safetensors</code>, or a GGUF file. Nothing is
        downloaded from here; <code>rung fetch</code> does that beforehand.
      </p>
      <form class="gap-form" @submit=${e=>{e.preventDefault(),this.#s()}}>
        <input type="text" aria-label="Model" spellcheck="false" autocomplete="off" .value=${this.#e} @input=${e=>{this.#e=e.target.value}} />
        <button type="submit" class="primary" data-act="open">Open</button>
      </form>
      <p class="status" role="status">${this.#r?this.#r.step:""}</p>
      ${this.#n?a`<p class="problem" role="alert">${this.#n}</p>`:m}
      ${r?this.#o(r):m}
    </section>`}#o(r){return a`<h3>${r.name}</h3>
      <div class="wide-table">
        <table>
          <tbody>${r.facts.map(([e,t])=>a`<tr><th scope="row">${e}</th><td>${t}</td></tr>`)}</tbody>
        </table>
      </div>
      ${r.notes.length?a`<ul>${r.notes.map(e=>a`<li>${e}</li>`)}</ul>`:m}
      <p>The page is about ${r.name} now. Go on with:</p>
      <ul>
        ${Al.map(([e,t,s])=>a`<li>${s(r)?a`<a href=${e}>${t}</a>`:a`<span class="quiet">${t}: this model has nothing to show there</span>`}</li>`)}
      </ul>`}};customElements.define("rung-workbench",gs);function _l(n){return n.tests.map(r=>{let e=r.checks.find(s=>s.met===!1)??r.checks.find(s=>s.floor!==null)??r.checks[0],t=Object.values(r.controls)[0];return{id:r.id,title:r.name,subject:r.subject,rung:r.rung,outcome:r.outcome,required:r.required,note:r.said,unit:r.unit,...e?{value:e.value,low:e.low,high:e.high,floor:e.floor,n:e.n}:{},...t===void 0?{}:{control:t}}})}var fs=class extends Z{#e=null;#t=null;#n="";#r=new Set;#s=null;connectedCallback(){super.connectedCallback(),this.#s=_.subscribe(()=>this.#o()),this.#o()}disconnectedCallback(){super.disconnectedCallback(),this.#s?.()}#o(){_.proof&&this.#a(JSON.stringify(_.proof))}async#a(r){if(r!==this.#e){this.#e=r;try{this.#t=await F("workbench.record",{text:r},{panel:"record"}),this.#n=""}catch(e){if(Te(e))return;this.#n=`${e instanceof Error?e.message:String(e)}${this.#t?" What is shown is the record before.":""}`}this.requestUpdate()}}async#i(r){let e=r.target,t=e.files?.[0];if(t){try{await _.open(await t.text()),this.#n=""}catch(s){this.#n=s instanceof Error?s.message:String(s)}e.value="",this.requestUpdate()}}render(){return a`<section aria-labelledby="record-heading">
      <h2 id="record-heading">Record</h2>
      <p>
        A record is what <code>rung prove</code> writes: the claim, the model’s weights by their hash, every number with its
        interval, floor and control. Open one and read each test behind its verdict. Outcomes are derived here from the
        numbers; a file that contradicts itself is refused, and the place is named.
      </p>
      <p>
        <label class="file">Open a record or a drawer <input type="file" accept=".json,application/json" @change=${r=>{this.#i(r)}} /></label>
      </p>
      ${this.#n?a`<p class="problem" role="alert">${this.#n}</p>`:m}
      ${this.#t?this.#c(this.#t):a`<p class="quiet">No record is open. Section 12 makes one, with its full proof.</p>`}
    </section>`}#c(r){return a`<h3>${r.claim}: ${r.circuit}</h3>
      <ul>
        ${r.roles.map(e=>a`<li><strong>${e.name}</strong> ${e.heads.join(", ")||"no head"}: ${e.job}</li>`)}
      </ul>
      <rung-ladder .measurements=${_l(r)} .verdict=${{rung:r.rung,sentence:r.sentence}} label="Tests of the record"></rung-ladder>
      <h3>Every number</h3>
      <ul class="tests">
        ${r.tests.map(e=>this.#l(e))}
      </ul>
      <h3>Where it comes from</h3>
      <div class="wide-table">
        <table>
          <tbody>
            <tr><th scope="row">Model</th><td>${r.model}</td></tr>
            <tr><th scope="row">Checkpoint, SHA-256</th><td><code class="token">${r.checkpoint}</code></td></tr>
            <tr><th scope="row">Confirmation sequences</th><td>${r.sequences}, looks at ${r.looks.join(", ")}; intervals of ${b(100*(1-2*r.alpha),1)} %</td></tr>
            <tr><th scope="row">Heads</th><td>${r.heads_found}</td></tr>
            <tr><th scope="row">Written</th><td>${r.date}</td></tr>
            <tr><th scope="row">Versions</th><td>${Object.entries(r.versions).map(([e,t])=>`${e} ${t}`).join(", ")}</td></tr>
          </tbody>
        </table>
      </div>
      <p>Execute every test again on the same weights: <code>rung verify FILE</code>.</p>`}#l(r){let e=`${r.id} ${r.subject}`,t=this.#r.has(e);return a`<li>
      <button type="button" class="link" aria-expanded=${t?"true":"false"} @click=${()=>{t?this.#r.delete(e):this.#r.add(e),this.requestUpdate()}}>${r.name} · ${r.subject}</button>
      <span class="quiet">${r.outcome}</span>
      ${t?a`<div class="table-scroll" tabindex="0" role="region" aria-label="${r.name} of ${r.subject}">
            <table>
              <thead><tr><th scope="col">number</th><th scope="col">value</th><th scope="col">interval</th><th scope="col">held against</th><th scope="col">p</th><th scope="col">n</th></tr></thead>
              <tbody>
                ${r.checks.map(s=>a`<tr>
                    <th scope="row">${s.label}</th>
                    <td>${b(s.value??NaN,3)} ${r.unit}</td>
                    <td>[${b(s.low??NaN,3)}, ${b(s.high??NaN,3)}]</td>
                    <td>${s.floor===null?"shown only":`${s.sense} ${b(s.floor,3)}: ${s.met?"met":"not met"}`}</td>
                    <td>${s.p===null?"–":b(s.p,4)}</td>
                    <td>${s.n}</td>
                  </tr>`)}
              </tbody>
            </table>
          </div>`:m}
    </li>`}};customElements.define("rung-record",fs);var bs=[{number:1,title:"What this is",show:()=>a`<rung-section-01></rung-section-01>`},{number:2,title:"Concrete access",show:()=>a`<rung-section-02></rung-section-02>`},{number:3,title:"Direct path, attention path",show:()=>a`<rung-section-03></rung-section-03>`},{number:4,title:"The residual stream",show:()=>a`<rung-section-04></rung-section-04>`},{number:5,title:"Skip-trigrams",show:()=>a`<rung-section-05></rung-section-05>`},{number:6,title:"The board",show:()=>a`<rung-section-06></rung-section-06>`},{number:7,title:"Signatures",show:()=>a`<rung-section-07></rung-section-07>`},{number:8,title:"Cache, hook, measure",show:()=>a`<rung-section-08></rung-section-08>`},{number:9,title:"Attribution",show:()=>a`<rung-section-09></rung-section-09>`},{number:10,title:"Route, match, copy",show:()=>a`<rung-section-10></rung-section-10>`},{number:11,title:"Weights",show:()=>a`<rung-section-11></rung-section-11>`},{number:12,title:"The ladder",show:()=>a`<rung-section-12></rung-section-12>`},{number:13,title:"Five checks",show:()=>a`<rung-section-13></rung-section-13>`},{number:14,title:"Notebook moves",show:()=>a`<rung-section-14></rung-section-14>`}];var Ml=[["workbench","Workbench"],["record","Record"]],Rl=15e3,ys=class extends Q{#e=null;#t="";#n=!1;#r=!1;#s="";createRenderRoot(){return this}connectedCallback(){super.connectedCallback(),be.start();let r=()=>this.requestUpdate();be.subscribe(r),te.subscribe(r),_.subscribe(r),q.subscribe(r),this.#o(),window.setInterval(()=>{sr()},Rl),window.addEventListener("focus",()=>{sr()})}async#o(){try{this.#e=await Yt(),new URLSearchParams(location.search).has("model")||q.set({model:this.#e.model}),await ti()}catch(r){this.#t=r instanceof Error?r.message:String(r)}this.requestUpdate(),await this.updateComplete,location.hash&&document.getElementById(location.hash.slice(1))?.scrollIntoView()}render(){return a`<a class="skip" href="#main">To the lesson</a>
      ${this.#a()} ${this.#i()}
      <main id="main" tabindex="-1">
        ${te.status==="ok"?m:a`<p class="problem banner" role="alert">${te.status==="lost"?"The lab does not answer. What you set and pinned is kept in this page.":"The lab was restarted. Open the address that it printed last: what you set is in this page’s address, and your pins are kept."}</p>`}
        ${this.#t?a`<p class="problem" role="alert">${this.#t}</p>`:m}
        ${this.#e?a`${bs.map(r=>r.show())}<rung-workbench id="workbench"></rung-workbench><rung-record id="record"></rung-record>`:a`<p class="loading">Loading the lab …</p>`}
      </main>
      ${this.#u()}`}#a(){let r=this.#e,e=q.get("model",r?.model??"");return a`<header class="top">
      <button type="button" class="menu-button" aria-expanded=${this.#n?"true":"false"} aria-controls="contents" @click=${()=>this.#c()}>Contents</button>
      <p class="brand"><strong>Rung</strong> <span class="quiet">see the circuit, then prove it</span></p>
      <label class="model-choice">
        <span class="quiet">Model</span>
        <select @change=${t=>q.set({model:t.target.value})}>
          ${[...new Set([...r?.models??[],e])].filter(Boolean).map(t=>a`<option value=${t} ?selected=${t===e}>${t}</option>`)}
        </select>
      </label>
      <label class="theme-choice">
        <span class="quiet">Theme</span>
        <select @change=${t=>be.set(t.target.value)}>
          ${["system","light","dark"].map(t=>a`<option value=${t} ?selected=${t===be.choice}>${t}</option>`)}
        </select>
      </label>
      <button type="button" class="drawer-button" aria-expanded=${this.#r?"true":"false"} aria-controls="drawer" @click=${()=>this.#l()}>
        Evidence <span class="count">${_.pins.length+(_.proof?1:0)}</span>
      </button>
    </header>`}#i(){let r=(e,t)=>a`<li><a href=${e} @click=${()=>this.#n&&this.#c()}>${t}</a></li>`;return a`<nav id="contents" class=${this.#n?"contents open":"contents"} aria-label="Contents">
      <ol>
        ${bs.map(e=>r(`#section-${e.number}`,a`<span class="number">${e.number}</span> ${e.title}`))}
      </ol>
      <ul>
        ${Ml.map(([e,t])=>r(`#${e}`,t))}
      </ul>
    </nav>`}#c(){this.#n=!this.#n,this.requestUpdate()}#l(){this.#r=!this.#r,this.requestUpdate()}#u(){let r=this.#r?_.earlier():[];return a`<aside id="drawer" class=${this.#r?"drawer open":"drawer"} aria-label="Evidence drawer" ?inert=${!this.#r}>
      <header>
        <h2>Evidence drawer</h2>
        <button type="button" class="icon" @click=${()=>this.#l()}>Close</button>
      </header>
      ${_.pins.length===0?a`<p class="quiet">Nothing is pinned yet. Pin a result under its figure, and it is kept here with its request.</p>`:a`<ul class="pins">
            ${_.pins.map(e=>a`<li>
                <p><strong>${e.title}</strong> <span class="quiet">${St[e.rung]}</span></p>
                <p>
                  ${b(e.value)} ${e.unit}${e.low!==void 0&&e.high!==void 0?a` <span class="quiet">[${b(e.low)}, ${b(e.high)}]</span>`:m}${e.control!==void 0?a` <span class="quiet">control ${b(e.control)}</span>`:m}${e.floor!==void 0?a` <span class="quiet">floor ${b(e.floor)}</span>`:m}
                </p>
                <p><a href="#${e.panel}">Where it was seen</a> <button type="button" class="link" aria-label="Remove ${e.title}" @click=${()=>_.remove(e.id)}>Remove</button></p>
              </li>`)}
          </ul>`}
      ${_.proof?a`<p>A proof is kept here: <a href="#record">its record</a>.</p>`:m}
      <p class="drawer-row">
        <button type="button" class="primary" @click=${()=>{this.#h(()=>_.download())}}>Download</button>
        <label class="file">Open a file <input type="file" accept=".json,application/json" @change=${e=>{this.#d(e)}} /></label>
        ${_.pins.length||_.proof?a`<button type="button" class="link" @click=${()=>_.clear()}>Empty it</button>`:m}
      </p>
      <p class="quiet">
        <code>rung lab --open FILE</code> shows a downloaded drawer again; <code>rung verify FILE</code> executes the proof in it again.
      </p>
      ${r.map(e=>a`<p class="quiet">
          ${e.pins.length} pins of an earlier run.
          <button type="button" class="link" @click=${()=>_.bringBack(e.key)}>Bring them back</button>
        </p>`)}
      <p class="status" role="status">${this.#s}</p>
    </aside>`}async#d(r){let e=r.target,t=e.files?.[0];t&&(await this.#h(async()=>_.open(await t.text())),e.value="")}async#h(r){this.#s="";try{await r()}catch(e){this.#s=e instanceof Error?e.message:String(e)}this.requestUpdate()}};customElements.define("rung-lab",ys);
