var mt=globalThis,gt=mt.ShadowRoot&&(mt.ShadyCSS===void 0||mt.ShadyCSS.nativeShadow)&&"adoptedStyleSheets"in Document.prototype&&"replace"in CSSStyleSheet.prototype,Dr=Symbol(),Ur=new WeakMap,ft=class{constructor(r,e,n){if(this._$cssResult$=!0,n!==Dr)throw Error("CSSResult is not constructable. Use `unsafeCSS` or `css` instead.");this.cssText=r,this.t=e}get styleSheet(){let r=this.o,e=this.t;if(gt&&r===void 0){let n=e!==void 0&&e.length===1;n&&(r=Ur.get(e)),r===void 0&&((this.o=r=new CSSStyleSheet).replaceSync(this.cssText),n&&Ur.set(e,r))}return r}toString(){return this.cssText}},Wr=t=>new ft(typeof t=="string"?t:t+"",void 0,Dr);var Br=(t,r)=>{if(gt)t.adoptedStyleSheets=r.map(e=>e instanceof CSSStyleSheet?e:e.styleSheet);else for(let e of r){let n=document.createElement("style"),s=mt.litNonce;s!==void 0&&n.setAttribute("nonce",s),n.textContent=e.cssText,t.appendChild(n)}},Xt=gt?t=>t:t=>t instanceof CSSStyleSheet?(r=>{let e="";for(let n of r.cssRules)e+=n.cssText;return Wr(e)})(t):t;var{is:ji,defineProperty:Ii,getOwnPropertyDescriptor:Hi,getOwnPropertyNames:zi,getOwnPropertySymbols:Ui,getPrototypeOf:Di}=Object,bt=globalThis,Fr=bt.trustedTypes,Wi=Fr?Fr.emptyScript:"",Bi=bt.reactiveElementPolyfillSupport,Fe=(t,r)=>t,Zt={toAttribute(t,r){switch(r){case Boolean:t=t?Wi:null;break;case Object:case Array:t=t==null?t:JSON.stringify(t)}return t},fromAttribute(t,r){let e=t;switch(r){case Boolean:e=t!==null;break;case Number:e=t===null?null:Number(t);break;case Object:case Array:try{e=JSON.parse(t)}catch{e=null}}return e}},Vr=(t,r)=>!ji(t,r),Jr={attribute:!0,type:String,converter:Zt,reflect:!1,useDefault:!1,hasChanged:Vr};Symbol.metadata??=Symbol("metadata"),bt.litPropertyMetadata??=new WeakMap;var ie=class extends HTMLElement{static addInitializer(r){this._$Ei(),(this.l??=[]).push(r)}static get observedAttributes(){return this.finalize(),this._$Eh&&[...this._$Eh.keys()]}static createProperty(r,e=Jr){if(e.state&&(e.attribute=!1),this._$Ei(),this.prototype.hasOwnProperty(r)&&((e=Object.create(e)).wrapped=!0),this.elementProperties.set(r,e),!e.noAccessor){let n=Symbol(),s=this.getPropertyDescriptor(r,n,e);s!==void 0&&Ii(this.prototype,r,s)}}static getPropertyDescriptor(r,e,n){let{get:s,set:i}=Hi(this.prototype,r)??{get(){return this[e]},set(o){this[e]=o}};return{get:s,set(o){let a=s?.call(this);i?.call(this,o),this.requestUpdate(r,a,n)},configurable:!0,enumerable:!0}}static getPropertyOptions(r){return this.elementProperties.get(r)??Jr}static _$Ei(){if(this.hasOwnProperty(Fe("elementProperties")))return;let r=Di(this);r.finalize(),r.l!==void 0&&(this.l=[...r.l]),this.elementProperties=new Map(r.elementProperties)}static finalize(){if(this.hasOwnProperty(Fe("finalized")))return;if(this.finalized=!0,this._$Ei(),this.hasOwnProperty(Fe("properties"))){let e=this.properties,n=[...zi(e),...Ui(e)];for(let s of n)this.createProperty(s,e[s])}let r=this[Symbol.metadata];if(r!==null){let e=litPropertyMetadata.get(r);if(e!==void 0)for(let[n,s]of e)this.elementProperties.set(n,s)}this._$Eh=new Map;for(let[e,n]of this.elementProperties){let s=this._$Eu(e,n);s!==void 0&&this._$Eh.set(s,e)}this.elementStyles=this.finalizeStyles(this.styles)}static finalizeStyles(r){let e=[];if(Array.isArray(r)){let n=new Set(r.flat(1/0).reverse());for(let s of n)e.unshift(Xt(s))}else r!==void 0&&e.push(Xt(r));return e}static _$Eu(r,e){let n=e.attribute;return n===!1?void 0:typeof n=="string"?n:typeof r=="string"?r.toLowerCase():void 0}constructor(){super(),this._$Ep=void 0,this.isUpdatePending=!1,this.hasUpdated=!1,this._$Em=null,this._$Ev()}_$Ev(){this._$ES=new Promise(r=>this.enableUpdating=r),this._$AL=new Map,this._$E_(),this.requestUpdate(),this.constructor.l?.forEach(r=>r(this))}addController(r){(this._$EO??=new Set).add(r),this.renderRoot!==void 0&&this.isConnected&&r.hostConnected?.()}removeController(r){this._$EO?.delete(r)}_$E_(){let r=new Map,e=this.constructor.elementProperties;for(let n of e.keys())this.hasOwnProperty(n)&&(r.set(n,this[n]),delete this[n]);r.size>0&&(this._$Ep=r)}createRenderRoot(){let r=this.shadowRoot??this.attachShadow(this.constructor.shadowRootOptions);return Br(r,this.constructor.elementStyles),r}connectedCallback(){this.renderRoot??=this.createRenderRoot(),this.enableUpdating(!0),this._$EO?.forEach(r=>r.hostConnected?.())}enableUpdating(r){}disconnectedCallback(){this._$EO?.forEach(r=>r.hostDisconnected?.())}attributeChangedCallback(r,e,n){this._$AK(r,n)}_$ET(r,e){let n=this.constructor.elementProperties.get(r),s=this.constructor._$Eu(r,n);if(s!==void 0&&n.reflect===!0){let i=(n.converter?.toAttribute!==void 0?n.converter:Zt).toAttribute(e,n.type);this._$Em=r,i==null?this.removeAttribute(s):this.setAttribute(s,i),this._$Em=null}}_$AK(r,e){let n=this.constructor,s=n._$Eh.get(r);if(s!==void 0&&this._$Em!==s){let i=n.getPropertyOptions(s),o=typeof i.converter=="function"?{fromAttribute:i.converter}:i.converter?.fromAttribute!==void 0?i.converter:Zt;this._$Em=s;let a=o.fromAttribute(e,i.type);this[s]=a??this._$Ej?.get(s)??a,this._$Em=null}}requestUpdate(r,e,n,s=!1,i){if(r!==void 0){let o=this.constructor;if(s===!1&&(i=this[r]),n??=o.getPropertyOptions(r),!((n.hasChanged??Vr)(i,e)||n.useDefault&&n.reflect&&i===this._$Ej?.get(r)&&!this.hasAttribute(o._$Eu(r,n))))return;this.C(r,e,n)}this.isUpdatePending===!1&&(this._$ES=this._$EP())}C(r,e,{useDefault:n,reflect:s,wrapped:i},o){n&&!(this._$Ej??=new Map).has(r)&&(this._$Ej.set(r,o??e??this[r]),i!==!0||o!==void 0)||(this._$AL.has(r)||(this.hasUpdated||n||(e=void 0),this._$AL.set(r,e)),s===!0&&this._$Em!==r&&(this._$Eq??=new Set).add(r))}async _$EP(){this.isUpdatePending=!0;try{await this._$ES}catch(e){Promise.reject(e)}let r=this.scheduleUpdate();return r!=null&&await r,!this.isUpdatePending}scheduleUpdate(){return this.performUpdate()}performUpdate(){if(!this.isUpdatePending)return;if(!this.hasUpdated){if(this.renderRoot??=this.createRenderRoot(),this._$Ep){for(let[s,i]of this._$Ep)this[s]=i;this._$Ep=void 0}let n=this.constructor.elementProperties;if(n.size>0)for(let[s,i]of n){let{wrapped:o}=i,a=this[s];o!==!0||this._$AL.has(s)||a===void 0||this.C(s,void 0,i,a)}}let r=!1,e=this._$AL;try{r=this.shouldUpdate(e),r?(this.willUpdate(e),this._$EO?.forEach(n=>n.hostUpdate?.()),this.update(e)):this._$EM()}catch(n){throw r=!1,this._$EM(),n}r&&this._$AE(e)}willUpdate(r){}_$AE(r){this._$EO?.forEach(e=>e.hostUpdated?.()),this.hasUpdated||(this.hasUpdated=!0,this.firstUpdated(r)),this.updated(r)}_$EM(){this._$AL=new Map,this.isUpdatePending=!1}get updateComplete(){return this.getUpdateComplete()}getUpdateComplete(){return this._$ES}shouldUpdate(r){return!0}update(r){this._$Eq&&=this._$Eq.forEach(e=>this._$ET(e,this[e])),this._$EM()}updated(r){}firstUpdated(r){}};ie.elementStyles=[],ie.shadowRootOptions={mode:"open"},ie[Fe("elementProperties")]=new Map,ie[Fe("finalized")]=new Map,Bi?.({ReactiveElement:ie}),(bt.reactiveElementVersions??=[]).push("2.1.2");var an=globalThis,Kr=t=>t,yt=an.trustedTypes,Gr=yt?yt.createPolicy("lit-html",{createHTML:t=>t}):void 0,ts="$lit$",ce=`lit$${Math.random().toFixed(9).slice(2)}$`,ns="?"+ce,Fi=`<${ns}>`,be=document,Ve=()=>be.createComment(""),Ke=t=>t===null||typeof t!="object"&&typeof t!="function",ln=Array.isArray,Ji=t=>ln(t)||typeof t?.[Symbol.iterator]=="function",en=`[ 	
\f\r]`,Je=/<(?:(!--|\/[^a-zA-Z])|(\/?[a-zA-Z][^>\s]*)|(\/?$))/g,Yr=/-->/g,Qr=/>/g,fe=RegExp(`>|${en}(?:([^\\s"'>=/]+)(${en}*=${en}*(?:[^ 	
\f\r"'\`<>=]|("|')|))|$)`,"g"),Xr=/'/g,Zr=/"/g,rs=/^(?:script|style|textarea|title)$/i,un=t=>(r,...e)=>({_$litType$:t,strings:r,values:e}),l=un(1),R=un(2),Na=un(3),ye=Symbol.for("lit-noChange"),f=Symbol.for("lit-nothing"),es=new WeakMap,ge=be.createTreeWalker(be,129);function ss(t,r){if(!ln(t)||!t.hasOwnProperty("raw"))throw Error("invalid template strings array");return Gr!==void 0?Gr.createHTML(r):r}var Vi=(t,r)=>{let e=t.length-1,n=[],s,i=r===2?"<svg>":r===3?"<math>":"",o=Je;for(let a=0;a<e;a++){let c=t[a],u,p,h=-1,d=0;for(;d<c.length&&(o.lastIndex=d,p=o.exec(c),p!==null);)d=o.lastIndex,o===Je?p[1]==="!--"?o=Yr:p[1]!==void 0?o=Qr:p[2]!==void 0?(rs.test(p[2])&&(s=RegExp("</"+p[2],"g")),o=fe):p[3]!==void 0&&(o=fe):o===fe?p[0]===">"?(o=s??Je,h=-1):p[1]===void 0?h=-2:(h=o.lastIndex-p[2].length,u=p[1],o=p[3]===void 0?fe:p[3]==='"'?Zr:Xr):o===Zr||o===Xr?o=fe:o===Yr||o===Qr?o=Je:(o=fe,s=void 0);let y=o===fe&&t[a+1].startsWith("/>")?" ":"";i+=o===Je?c+Fi:h>=0?(n.push(u),c.slice(0,h)+ts+c.slice(h)+ce+y):c+ce+(h===-2?a:y)}return[ss(t,i+(t[e]||"<?>")+(r===2?"</svg>":r===3?"</math>":"")),n]},Ge=class t{constructor({strings:r,_$litType$:e},n){let s;this.parts=[];let i=0,o=0,a=r.length-1,c=this.parts,[u,p]=Vi(r,e);if(this.el=t.createElement(u,n),ge.currentNode=this.el.content,e===2||e===3){let h=this.el.content.firstChild;h.replaceWith(...h.childNodes)}for(;(s=ge.nextNode())!==null&&c.length<a;){if(s.nodeType===1){if(s.hasAttributes())for(let h of s.getAttributeNames())if(h.endsWith(ts)){let d=p[o++],y=s.getAttribute(h).split(ce),m=/([.?@])?(.*)/.exec(d);c.push({type:1,index:i,name:m[2],strings:y,ctor:m[1]==="."?nn:m[1]==="?"?rn:m[1]==="@"?sn:Re}),s.removeAttribute(h)}else h.startsWith(ce)&&(c.push({type:6,index:i}),s.removeAttribute(h));if(rs.test(s.tagName)){let h=s.textContent.split(ce),d=h.length-1;if(d>0){s.textContent=yt?yt.emptyScript:"";for(let y=0;y<d;y++)s.append(h[y],Ve()),ge.nextNode(),c.push({type:2,index:++i});s.append(h[d],Ve())}}}else if(s.nodeType===8)if(s.data===ns)c.push({type:2,index:i});else{let h=-1;for(;(h=s.data.indexOf(ce,h+1))!==-1;)c.push({type:7,index:i}),h+=ce.length-1}i++}}static createElement(r,e){let n=be.createElement("template");return n.innerHTML=r,n}};function Ee(t,r,e=t,n){if(r===ye)return r;let s=n!==void 0?e._$Co?.[n]:e._$Cl,i=Ke(r)?void 0:r._$litDirective$;return s?.constructor!==i&&(s?._$AO?.(!1),i===void 0?s=void 0:(s=new i(t),s._$AT(t,e,n)),n!==void 0?(e._$Co??=[])[n]=s:e._$Cl=s),s!==void 0&&(r=Ee(t,s._$AS(t,r.values),s,n)),r}var tn=class{constructor(r,e){this._$AV=[],this._$AN=void 0,this._$AD=r,this._$AM=e}get parentNode(){return this._$AM.parentNode}get _$AU(){return this._$AM._$AU}u(r){let{el:{content:e},parts:n}=this._$AD,s=(r?.creationScope??be).importNode(e,!0);ge.currentNode=s;let i=ge.nextNode(),o=0,a=0,c=n[0];for(;c!==void 0;){if(o===c.index){let u;c.type===2?u=new Ye(i,i.nextSibling,this,r):c.type===1?u=new c.ctor(i,c.name,c.strings,this,r):c.type===6&&(u=new on(i,this,r)),this._$AV.push(u),c=n[++a]}o!==c?.index&&(i=ge.nextNode(),o++)}return ge.currentNode=be,s}p(r){let e=0;for(let n of this._$AV)n!==void 0&&(n.strings!==void 0?(n._$AI(r,n,e),e+=n.strings.length-2):n._$AI(r[e])),e++}},Ye=class t{get _$AU(){return this._$AM?._$AU??this._$Cv}constructor(r,e,n,s){this.type=2,this._$AH=f,this._$AN=void 0,this._$AA=r,this._$AB=e,this._$AM=n,this.options=s,this._$Cv=s?.isConnected??!0}get parentNode(){let r=this._$AA.parentNode,e=this._$AM;return e!==void 0&&r?.nodeType===11&&(r=e.parentNode),r}get startNode(){return this._$AA}get endNode(){return this._$AB}_$AI(r,e=this){r=Ee(this,r,e),Ke(r)?r===f||r==null||r===""?(this._$AH!==f&&this._$AR(),this._$AH=f):r!==this._$AH&&r!==ye&&this._(r):r._$litType$!==void 0?this.$(r):r.nodeType!==void 0?this.T(r):Ji(r)?this.k(r):this._(r)}O(r){return this._$AA.parentNode.insertBefore(r,this._$AB)}T(r){this._$AH!==r&&(this._$AR(),this._$AH=this.O(r))}_(r){this._$AH!==f&&Ke(this._$AH)?this._$AA.nextSibling.data=r:this.T(be.createTextNode(r)),this._$AH=r}$(r){let{values:e,_$litType$:n}=r,s=typeof n=="number"?this._$AC(r):(n.el===void 0&&(n.el=Ge.createElement(ss(n.h,n.h[0]),this.options)),n);if(this._$AH?._$AD===s)this._$AH.p(e);else{let i=new tn(s,this),o=i.u(this.options);i.p(e),this.T(o),this._$AH=i}}_$AC(r){let e=es.get(r.strings);return e===void 0&&es.set(r.strings,e=new Ge(r)),e}k(r){ln(this._$AH)||(this._$AH=[],this._$AR());let e=this._$AH,n,s=0;for(let i of r)s===e.length?e.push(n=new t(this.O(Ve()),this.O(Ve()),this,this.options)):n=e[s],n._$AI(i),s++;s<e.length&&(this._$AR(n&&n._$AB.nextSibling,s),e.length=s)}_$AR(r=this._$AA.nextSibling,e){for(this._$AP?.(!1,!0,e);r!==this._$AB;){let n=Kr(r).nextSibling;Kr(r).remove(),r=n}}setConnected(r){this._$AM===void 0&&(this._$Cv=r,this._$AP?.(r))}},Re=class{get tagName(){return this.element.tagName}get _$AU(){return this._$AM._$AU}constructor(r,e,n,s,i){this.type=1,this._$AH=f,this._$AN=void 0,this.element=r,this.name=e,this._$AM=s,this.options=i,n.length>2||n[0]!==""||n[1]!==""?(this._$AH=Array(n.length-1).fill(new String),this.strings=n):this._$AH=f}_$AI(r,e=this,n,s){let i=this.strings,o=!1;if(i===void 0)r=Ee(this,r,e,0),o=!Ke(r)||r!==this._$AH&&r!==ye,o&&(this._$AH=r);else{let a=r,c,u;for(r=i[0],c=0;c<i.length-1;c++)u=Ee(this,a[n+c],e,c),u===ye&&(u=this._$AH[c]),o||=!Ke(u)||u!==this._$AH[c],u===f?r=f:r!==f&&(r+=(u??"")+i[c+1]),this._$AH[c]=u}o&&!s&&this.j(r)}j(r){r===f?this.element.removeAttribute(this.name):this.element.setAttribute(this.name,r??"")}},nn=class extends Re{constructor(){super(...arguments),this.type=3}j(r){this.element[this.name]=r===f?void 0:r}},rn=class extends Re{constructor(){super(...arguments),this.type=4}j(r){this.element.toggleAttribute(this.name,!!r&&r!==f)}},sn=class extends Re{constructor(r,e,n,s,i){super(r,e,n,s,i),this.type=5}_$AI(r,e=this){if((r=Ee(this,r,e,0)??f)===ye)return;let n=this._$AH,s=r===f&&n!==f||r.capture!==n.capture||r.once!==n.once||r.passive!==n.passive,i=r!==f&&(n===f||s);s&&this.element.removeEventListener(this.name,this,n),i&&this.element.addEventListener(this.name,this,r),this._$AH=r}handleEvent(r){typeof this._$AH=="function"?this._$AH.call(this.options?.host??this.element,r):this._$AH.handleEvent(r)}},on=class{constructor(r,e,n){this.element=r,this.type=6,this._$AN=void 0,this._$AM=e,this.options=n}get _$AU(){return this._$AM._$AU}_$AI(r){Ee(this,r)}};var Ki=an.litHtmlPolyfillSupport;Ki?.(Ge,Ye),(an.litHtmlVersions??=[]).push("3.3.3");var is=(t,r,e)=>{let n=e?.renderBefore??r,s=n._$litPart$;if(s===void 0){let i=e?.renderBefore??null;n._$litPart$=s=new Ye(r.insertBefore(Ve(),i),i,void 0,e??{})}return s._$AI(t),s};var cn=globalThis,I=class extends ie{constructor(){super(...arguments),this.renderOptions={host:this},this._$Do=void 0}createRenderRoot(){let r=super.createRenderRoot();return this.renderOptions.renderBefore??=r.firstChild,r}update(r){let e=this.render();this.hasUpdated||(this.renderOptions.isConnected=this.isConnected),super.update(r),this._$Do=is(e,this.renderRoot,this.renderOptions)}connectedCallback(){super.connectedCallback(),this._$Do?.setConnected(!0)}disconnectedCallback(){super.disconnectedCallback(),this._$Do?.setConnected(!1)}render(){return ye}};I._$litElement$=!0,I.finalized=!0,cn.litElementHydrateSupport?.({LitElement:I});var Gi=cn.litElementPolyfillSupport;Gi?.({LitElement:I});(cn.litElementVersions??=[]).push("4.2.2");var Yi=[[0,34,78],[18,53,112],[59,73,108],[87,93,109],[112,113,115],[138,134,120],[165,156,116],[195,179,105],[225,204,85],[254,232,56]],Qi=[[45,0,75],[84,39,136],[128,115,172],[178,171,210],[216,218,235],[247,247,247],[254,224,182],[253,184,99],[224,130,20],[179,88,6],[127,59,8]];function os(t,r){let e=Math.min(Math.max(Number.isNaN(r)?0:r,0),1)*(t.length-1),n=Math.min(Math.floor(e),t.length-2),[s,i,o]=[t[n],t[n+1],e-n];return[0,1,2].map(a=>Math.round(s[a]+o*(i[a]-s[a])))}var $t=t=>os(Yi,t),as=t=>os(Qi,(t+1)/2);var oe=(t,r=0)=>t==="route"||t==="match"||t==="copy"?`var(--${t})`:`var(--series-${r%6})`,hn=(t,r)=>l`<span class="role ${t}">${r}</span>`,Qe=(t="route")=>hn("route",t),_e=(t="match")=>hn("match",t),ls=(t="copy")=>hn("copy",t);var dn=new Set,pn=null,us=()=>{for(let t of[...dn])t()},k={current:null,set(t){pn=t,k.current!==t&&(k.current=t,us())},peek(t){let r=t??pn;k.current!==r&&(k.current=r,us())},subscribe(t){return dn.add(t),()=>dn.delete(t)}},Q=class extends I{constructor(){super(...arguments);this.leave=null}createRenderRoot(){return this}connectedCallback(){super.connectedCallback(),this.leave=k.subscribe(()=>this.requestUpdate())}disconnectedCallback(){super.disconnectedCallback(),this.leave?.()}},Xi={"role:route":"route","role:previous_token":"route","role:match":"match","role:induction":"match","role:copy":"copy"},mn=class extends Q{constructor(){super(...arguments);this.key="";this.text=""}static{this.properties={key:{},text:{}}}render(){let e=k.current===this.key;return l`<button
      type="button"
      class="word ${Xi[this.key]??""}"
      aria-pressed=${e?"true":"false"}
      @click=${()=>k.set(e&&pn===this.key?null:this.key)}
      @pointerenter=${()=>k.peek(this.key)}
      @pointerleave=${()=>k.peek(null)}
    >${this.text}</button>`}};customElements.define("rung-word",mn);var M=(t,r)=>l`<rung-word .key=${t} .text=${r}></rung-word>`;var cs="−",fn=t=>t.replace("-",cs);function w(t,r=2){if(Number.isNaN(t))return"–";if(!Number.isFinite(t))return t>0?"∞":`${cs}∞`;let e=Math.abs(t);return e!==0&&(e<.5*10**-r||e>=1e6)?fn(t.toExponential(1).replace("e+","e")):fn(t.toFixed(r))}var K=(t,r=0)=>Number.isNaN(t)?"–":`${fn((100*t).toFixed(r))} %`,D=(t,r=2)=>t>0?`+${w(t,r)}`:w(t,r),H=(t,r=2)=>`${w(t,r)} nats`,qe=(t,r,e=2)=>`[${w(t,e)}, ${w(r,e)}]`;function ae(t){let r=t.replace(/ /g,"·").replace(/\n/g,"⏎").replace(/\t/g,"⇥").replace(/\r/g,"␍").replace(/[\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,e=>`\\u${e.charCodeAt(0).toString(16).padStart(4,"0")}`);return r===""?"∅":r}var $e=t=>l`<code class="token">${ae(t)}</code>`;var gn="rung-theme",wt=new Set,hs=()=>matchMedia("(prefers-color-scheme: dark)"),le={get choice(){let t=document.documentElement.dataset.theme;return t==="light"||t==="dark"?t:"system"},get dark(){return le.choice==="system"?hs().matches:le.choice==="dark"},set(t){t==="system"?delete document.documentElement.dataset.theme:document.documentElement.dataset.theme=t;try{t==="system"?localStorage.removeItem(gn):localStorage.setItem(gn,t)}catch{}for(let r of[...wt])r()},start(){try{let t=localStorage.getItem(gn);(t==="light"||t==="dark")&&(document.documentElement.dataset.theme=t)}catch{}hs().addEventListener("change",()=>{for(let t of[...wt])t()})},subscribe(t){return wt.add(t),()=>wt.delete(t)}};var C=class extends Q{constructor(){super(...arguments);this.width=0;this.#e=null;this.#t=null}#e;#t;connectedCallback(){super.connectedCallback(),this.#t=le.subscribe(()=>this.requestUpdate()),this.#e=new ResizeObserver(e=>{let n=Math.floor(e[0].contentRect.width);n!==this.width&&(this.width=n,requestAnimationFrame(()=>this.requestUpdate()))}),this.#e.observe(this),this.width=Math.floor(this.getBoundingClientRect().width)}disconnectedCallback(){super.disconnectedCallback(),this.#e?.disconnect(),this.#t?.()}};function he(t,r,e,n,s){return l`<button type="button" class="link table-button" aria-expanded=${t?"true":"false"} @click=${r}>
      ${t?"Hide table":"Table"}
    </button>
    ${t?l`<div class="table-scroll" tabindex="0" role="region" aria-label="Table: ${e}">
          <table>
            <caption class="sr">${e}</caption>
            <thead><tr>${n.map(i=>l`<th scope="col">${i}</th>`)}</tr></thead>
            <tbody>
              ${s().map(i=>l`<tr>${i.map((o,a)=>a===0?l`<th scope="row">${o}</th>`:l`<td>${o}</td>`)}</tr>`)}
            </tbody>
          </table>
        </div>`:f}`}var bn=class extends C{constructor(){super(...arguments);this.items=[];this.unit="";this.label="";this.signed=!1;this.domain=null;this.rules=[];this.layout="rows";this.digits=2;this.tokens=!1;this.at=0;this.table=!1;this.keys=e=>{if(e.ctrlKey||e.metaKey||e.altKey)return;let n=this.items.length-1;if(e.key==="ArrowLeft")this.move(this.at-1);else if(e.key==="ArrowRight")this.move(this.at+1);else if(e.key==="Home")this.move(0);else if(e.key==="End")this.move(n);else if(e.key==="m")this.move(this.items.reduce((s,i,o)=>i.value>this.items[s].value?o:s,0));else if(e.key==="t")this.table=!this.table;else if(e.key==="Enter"||e.key===" ")this.choose(this.items[this.at],this.at);else return;e.preventDefault()}}static{this.properties={items:{attribute:!1},unit:{},label:{},signed:{type:Boolean},domain:{attribute:!1},rules:{attribute:!1},layout:{},digits:{type:Number},tokens:{type:Boolean},at:{state:!0},table:{state:!0}}}ends(){if(this.domain)return this.domain;let e=this.items.flatMap(i=>[i.value,i.low,i.high,i.predicted].filter(o=>typeof o=="number"&&Number.isFinite(o)));e.push(...this.rules.map(i=>i.at));let n=Math.max(0,...e),s=Math.min(0,...e);return s===n?[0,1]:[s,n]}text(e){return this.tokens?ae(e):e}value(e){return this.signed?D(e.value,this.digits):w(e.value,this.digits)}groups(){return[...new Set(this.items.map(e=>e.group).filter(e=>e!==void 0))]}ink(e){return e.role?oe(e.role):e.group!==void 0?oe(void 0,this.groups().indexOf(e.group)):"var(--bar)"}choose(e,n){e.key&&k.set(k.current===e.key?null:e.key),this.dispatchEvent(new CustomEvent("pick",{detail:{index:n},bubbles:!0}))}render(){return this.layout==="columns"?this.columns():this.rowsOf()}legend(){let e=this.groups(),n=this.items.some(i=>typeof i.predicted=="number"),s=this.items.some(i=>i.low!==void 0);return!e.length&&!n&&!s&&!this.rules.length?f:l`<ul class="legend">
      ${e.map((i,o)=>{let a=this.items.find(c=>c.group===i);return l`<li><svg class="swatch" viewBox="0 0 12 12" aria-hidden="true"><rect width="12" height="12" rx="2" fill=${a.role?oe(a.role):oe(void 0,o)}></rect></svg>${i}</li>`})}
      ${n?l`<li><svg class="swatch" viewBox="0 0 12 12" aria-hidden="true"><path d="M6 1L11 6L6 11L1 6Z" class="guess"></path></svg>your prediction</li>`:f}
      ${s?l`<li><svg class="swatch wide" viewBox="0 0 20 12" aria-hidden="true"><path d="M2 6H18M2 2V10M18 2V10" class="whisker"></path></svg>interval</li>`:f}
      ${this.rules.map(i=>l`<li><svg class="swatch wide" viewBox="0 0 20 12" aria-hidden="true"><path d="M0 6H20" class="rule"></path></svg>${i.label} (${w(i.at,this.digits)})</li>`)}
    </ul>`}rowsOf(){let[e,n]=this.ends(),s=n-e||1,i=o=>1e3*(Math.min(Math.max(o,e),n)-e)/s;return l`<table class="bars">
        <caption class="sr">${this.label}${this.unit?`, in ${this.unit}`:""}</caption>
        <thead class="sr"><tr><th scope="col">name</th><th scope="col">bar</th><th scope="col">${this.unit||"value"}</th></tr></thead>
        <tbody>
          ${this.items.map((o,a)=>{let c=o.key!==void 0&&k.current===o.key,[u,p]=[i(Math.min(0,o.value)),i(Math.max(0,o.value))],h=typeof o.predicted=="number"?o.predicted:null;return l`<tr class=${c?"lit":""} @pointerenter=${()=>o.key&&k.peek(o.key)} @pointerleave=${()=>o.key&&k.peek(null)}>
              <th scope="row">
                ${o.key?l`<button type="button" class="word" aria-pressed=${c?"true":"false"} @click=${()=>this.choose(o,a)}>${this.text(o.label)}</button>`:this.text(o.label)}
                ${o.role?l`<span class="role-tag ${o.role}">${o.role}</span>`:f}
              </th>
              <td class="track">
                <svg viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true">
                  ${this.rules.map(d=>R`<line x1=${i(d.at)} x2=${i(d.at)} y1="0" y2="20" class="rule" vector-effect="non-scaling-stroke"></line>`)}
                  <rect x=${u} y="4" width=${Math.max(p-u,0)} height="12" fill=${this.ink(o)}></rect>
                  <line x1=${i(0)} x2=${i(0)} y1="0" y2="20" class="zero" vector-effect="non-scaling-stroke"></line>
                  ${o.low!==void 0&&o.high!==void 0?R`<path d="M${i(o.low)} 10H${i(o.high)}M${i(o.low)} 5V15M${i(o.high)} 5V15" class="whisker" vector-effect="non-scaling-stroke"></path>`:f}
                </svg>
                ${h===null?f:l`<svg class="guess-at" x="0" viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true"><line x1=${i(h)} x2=${i(h)} y1="1" y2="19" class="guess" vector-effect="non-scaling-stroke"></line></svg>`}
              </td>
              <td class="value">
                ${this.value(o)}${o.low!==void 0&&o.high!==void 0?l` <span class="quiet">${qe(o.low,o.high,this.digits)}</span>`:f}
                ${h===null?f:l`<span class="quiet guess-text">you: ${w(h,this.digits)}</span>`}
                ${o.note?l`<span class="quiet">${o.note}</span>`:f}
              </td>
            </tr>`})}
        </tbody>
      </table>
      ${this.unit?l`<p class="unit quiet">${this.unit}</p>`:f} ${this.legend()}`}columns(){let[e,n]=this.ends(),s=this.width||600,i=180,o=40,c=Math.max(s-o-4,40)/Math.max(this.items.length,1),u=h=>8+(i-16)*(n-Math.min(Math.max(h,e),n))/(n-e||1),p=this.items[Math.min(this.at,this.items.length-1)];return l`<div class="columns" tabindex="0" role="application" aria-roledescription="bar chart"
        aria-label="${this.label}. Arrow keys move, m goes to the largest, t shows the table." @keydown=${this.keys}>
        <svg width=${s} height=${i} aria-hidden="true">
          ${[e,n].map(h=>R`<text x=${o-6} y=${u(h)+(h===n?8:0)} class="tick" text-anchor="end">${w(h,1)}</text>`)}
          <line x1=${o} x2=${s} y1=${u(0)} y2=${u(0)} class="zero"></line>
          ${this.items.map((h,d)=>{let y=o+d*c,[m,g]=[u(Math.max(h.value,0)),u(Math.min(h.value,0))],x=h.key!==void 0&&k.current===h.key;return R`<g class="column ${x?"lit":""} ${d===this.at?"here":""}" @pointerenter=${()=>this.move(d)} @click=${()=>this.choose(h,d)}>
              <rect x=${y} y="0" width=${c} height=${i} class="hit"></rect>
              <rect x=${y+c*.1} y=${m} width=${c*.8} height=${Math.max(g-m,.5)} fill=${this.ink(h)}></rect>
              ${h.low!==void 0&&h.high!==void 0?R`<path d="M${y+c/2} ${u(h.low)}V${u(h.high)}" class="whisker"></path>`:f}
              ${typeof h.predicted=="number"?R`<path d="M${y} ${u(h.predicted)}h${c}" class="guess"></path>`:f}
            </g>`})}
          ${this.rules.map(h=>R`<line x1=${o} x2=${s} y1=${u(h.at)} y2=${u(h.at)} class="rule"></line><text x=${s-4} y=${u(h.at)-4} class="tick halo" text-anchor="end">${h.label} ${w(h.at,this.digits)}</text>`)}
        </svg>
      </div>
      <p class="readout" aria-live="polite">${p?`${this.at} ${this.text(p.label)}: ${this.value(p)} ${this.unit}${typeof p.predicted=="number"?`, you ${w(p.predicted,this.digits)}`:""}`:""}</p>
      ${this.legend()}
      ${he(this.table,()=>this.table=!this.table,this.label,["","name",this.unit||"value",...this.items.some(h=>typeof h.predicted=="number")?["predicted"]:[]],()=>this.items.map((h,d)=>[String(d),this.text(h.label),this.value(h),...typeof h.predicted=="number"?[w(h.predicted,this.digits)]:[]]))}`}move(e){this.at=Math.min(Math.max(e,0),this.items.length-1);let n=this.items[this.at]?.key;n&&k.peek(n)}};customElements.define("rung-bars",bn);var[ds,we,yn]=[56,52,40],$n=class extends C{constructor(){super(...arguments);this.nodes=[];this.edges=[];this.label="Diagram";this.table=!1}static{this.properties={nodes:{attribute:!1},edges:{attribute:!1},label:{},table:{state:!0}}}columns(){let e=new Map;for(let n of this.nodes)e.set(n.id,n.column??0);for(let n=0;n<this.nodes.length;n++)for(let s of this.edges){let i=this.nodes.find(o=>o.id===s.to);!i||i.column!==void 0||e.set(s.to,Math.max(e.get(s.to)??0,Math.min((e.get(s.from)??0)+1,this.nodes.length)))}return e}render(){let e=this.columns(),n=Math.max(1,...[...e.values()].map(d=>d+1)),s=Math.max(this.width||640,260),i=(s-(n-1)*ds)/n<92,o=Array.from({length:n},()=>[]);for(let d of this.nodes)o[e.get(d.id)].push(d);for(let d of o)d.sort((y,m)=>(y.row??0)-(m.row??0));let a=Math.max(1,...o.map(d=>d.length)),c=i?10:ds,u=i?Math.min(180,(s-(a-1)*c)/a):Math.min(190,(s-(n-1)*c)/n),p=(i?n:a)*(we+yn)-yn+24,h=new Map;return o.forEach((d,y)=>d.forEach((m,g)=>{let x=m.row??g+(a-d.length)/2,$=i?(s-d.length*(u+c)+c)/2+g*(u+c):n===1?(s-u)/2:y*(s-u)/(n-1);h.set(m.id,{...m,x:$,y:12+(i?y:x)*(we+yn)})})),l`<figure class="flow">
      <svg width=${s} height=${p} role="img" aria-label=${this.label}>
        <defs>
          ${["ink","route","match","copy"].map(d=>R`<marker id="tip-${d}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8Z" fill="var(--${d})"></path></marker>`)}
        </defs>
        ${this.edges.map(d=>this.edge(d,h,u,i))} ${[...h.values()].map(d=>this.node(d,u))}
      </svg>
      ${he(this.table,()=>this.table=!this.table,this.label,["from","to","what","value"],()=>[...this.nodes.filter(d=>d.value!==void 0).map(d=>[d.label,"",d.role??"",d.value]),...this.edges.map(d=>[h.get(d.from)?.label??d.from,h.get(d.to)?.label??d.to,`${d.label??""}${d.broken?" (broken)":""}`,d.value??""])])}
    </figure>`}edge(e,n,s,i){let[o,a]=[n.get(e.from),n.get(e.to)];if(!o||!a)return f;let[c,u]=i?[o.x+s/2,o.y+we]:[o.x+s,o.y+we/2],[p,h]=i?[a.x+s/2,a.y-2]:[a.x-2,a.y+we/2],d=i?`M${c} ${u}C${c} ${u+20} ${p} ${h-20} ${p} ${h}`:`M${c} ${u}C${c+28} ${u} ${p-28} ${h} ${p} ${h}`,y=e.role==="route"||e.role==="match"||e.role==="copy"?e.role:"ink",m=e.key!==void 0&&k.current===e.key,g=[e.label,e.value].filter(Boolean).join(" ");return R`<g class="edge ${e.broken?"broken":""} ${m?"lit":""}">
      <path d=${d} fill="none" stroke="var(--${y})" stroke-width=${1.5+3*(e.weight??0)} stroke-dasharray=${e.broken?"3 5":"none"} marker-end="url(#tip-${y})"></path>
      ${e.broken?R`<path d="M${(c+p)/2-6} ${(u+h)/2-6}l12 12m0 -12l-12 12" class="cross"></path>`:f}
      ${g?R`<text x=${(c+p)/2+(i?8:0)} y=${(u+h)/2-(i?-4:8)} text-anchor=${i?"start":"middle"} class="edge-text halo">${g}</text>`:f}
    </g>`}node(e,n){let s=e.key!==void 0&&k.current===e.key,i=e.role==="route"||e.role==="match"||e.role==="copy"?e.role:"",o=Math.min(Math.max(e.fill??0,0),1);return R`<g class="node ${i} ${s?"lit":""} ${e.key?"press":""}" @click=${()=>e.key&&k.set(s?null:e.key)}
        @pointerenter=${()=>e.key&&k.peek(e.key)} @pointerleave=${()=>e.key&&k.peek(null)}>
      <rect x=${e.x} y=${e.y} width=${n} height=${we} rx="8" class="box"></rect>
      ${o>0?R`<rect x=${e.x} y=${e.y+we-5} width=${n*o} height="5" rx="2" class="level"></rect>`:f}
      <text x=${e.x+n/2} y=${e.y+(e.value===void 0?31:22)} text-anchor="middle" class="node-label">${e.label}</text>
      ${e.value===void 0?f:R`<text x=${e.x+n/2} y=${e.y+40} text-anchor="middle" class="node-value">${e.value}</text>`}
    </g>`}};customElements.define("rung-flow",$n);var Xe=64,wn=class extends C{constructor(){super(...arguments);this.grid=null;this.rows=[];this.cols=[];this.scale="unit";this.guides=[];this.marks=[];this.label="";this.rowName="row";this.colName="column";this.domain=null;this.focusKey=null;this.size=420;this.digits=3;this.causal=!1;this.row=0;this.col=0;this.table=!1;this.#e=!1;this.key=e=>{if(e.ctrlKey||e.metaKey||e.altKey||!this.grid)return;let{row:n,col:s}=this,[i,o]=this.shape,a=e.shiftKey?8:1,u={ArrowUp:[n-a,s],ArrowDown:[n+a,s],ArrowLeft:[n,s-a],ArrowRight:[n,s+a],Home:[n,0],End:[n,this.causal?Math.min(n,o-1):o-1],PageUp:[0,s],PageDown:[i-1,s]}[e.key];if(u)this.go(u[0],u[1],!0);else if(e.key==="m")this.go(n,this.strongest(n),!0);else if(e.key==="t")this.table=!this.table;else if(e.key==="Enter"||e.key===" ")this.go(n,s,!0);else return;e.preventDefault()};this.point=e=>{let n=this.cellOf(e);n&&(n[0]!==this.row||n[1]!==this.col||!this.#e)&&this.go(n[0],n[1],!1)};this.choose=e=>{let n=this.cellOf(e);n&&this.go(n[0],n[1],!0)}}static{this.properties={grid:{attribute:!1},rows:{attribute:!1},cols:{attribute:!1},scale:{},guides:{attribute:!1},marks:{attribute:!1},label:{},rowName:{},colName:{},domain:{attribute:!1},focusKey:{attribute:!1},size:{type:Number},digits:{type:Number},causal:{type:Boolean},row:{state:!0},col:{state:!0},table:{state:!0}}}#e;get shape(){return[this.grid?.shape[0]??0,this.grid?.shape[1]??0]}ends(){if(this.domain)return this.domain;if(this.scale==="unit"||!this.grid)return[0,1];let e=Math.max(Math.abs(this.grid.max()),Math.abs(this.grid.min()))||1;return[-e,e]}value(e,n){let s=this.grid.at(e,n);return this.scale==="signed"?D(s,this.digits):w(s,this.digits)}name(e,n){return e[n]===void 0?String(n):`${ae(e[n])}`}readout(){let{row:e,col:n}=this;return`${this.rowName} ${e} ${this.rows.length?this.name(this.rows,e):""} → ${this.colName} ${n} ${this.cols.length?this.name(this.cols,n):""}: ${this.value(e,n)}`}willUpdate(e){if(e.has("grid")){let[n,s]=this.shape;this.row=Math.min(this.row,Math.max(n-1,0)),this.col=Math.min(this.col,Math.max(s-1,0))}}render(){if(!this.grid)return l`<p class="quiet">Nothing to show yet.</p>`;let[e,n]=this.ends(),s=this.scale==="signed"?[e,0,n]:[e,(e+n)/2,n];return l`<div class="heatmap">
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
          >${s.map(i=>l`<span>${this.scale==="signed"?D(i):e===0&&n===1?K(i):w(i)}</span>`)}</span
        >
      </div>
      ${this.guides.length?l`<ul class="guides">
            ${this.guides.map((i,o)=>l`<li><span class="dash d${o%3} ${i.role??""}" aria-hidden="true"></span>${i.label}</li>`)}
          </ul>`:f}
      ${he(this.table,()=>this.table=!this.table,this.label,[`${this.rowName} \\ ${this.colName}`,...this.visible(1).map(i=>`${i} ${this.cols.length?this.name(this.cols,i):""}`)],()=>this.visible(0).map(i=>[`${i} ${this.rows.length?this.name(this.rows,i):""}`,...this.visible(1).map(o=>this.causal&&o>i?"":this.value(i,o))]))}
      ${this.table&&Math.max(...this.shape)>Xe?l`<p class="quiet">The table shows ${Xe} around the chosen cell.</p>`:f}
    </div>`}visible(e){let n=this.shape[e],s=e===0?this.row:this.col,i=Math.max(0,Math.min(n-Xe,s-Xe/2));return Array.from({length:Math.min(n,Xe)},(o,a)=>i+a)}updated(){this.draw()}layout(){let[e,n]=this.shape,s=Math.max(80,Math.min(this.size,this.width||this.size)),i=Math.max(1,Math.min(s/Math.max(n,1),this.size/Math.max(e,1),40));return{cell:i,left:0,top:0,w:i*n,h:i*e}}draw(){let e=this.querySelector("canvas"),n=e?.getContext("2d");if(!e||!n||!this.grid)return;let[s,i]=this.shape,{cell:o,w:a,h:c}=this.layout(),u=window.devicePixelRatio||1;e.width=Math.ceil(a*u),e.height=Math.ceil(c*u),e.style.width=`${a}px`,e.style.height=`${c}px`;let p=getComputedStyle(this),h=($,b)=>p.getPropertyValue($).trim()||b,[d,y]=this.ends(),m=new ImageData(Math.max(i,1),Math.max(s,1));for(let $=0;$<s;$++)for(let b=0;b<i;b++){if(this.causal&&b>$)continue;let A=this.grid.at($,b),S=this.scale==="signed"?as(A/Math.max(Math.abs(d),Math.abs(y))):$t((A-d)/(y-d||1));m.data.set([...S,255],4*($*i+b))}let g=document.createElement("canvas");g.width=Math.max(i,1),g.height=Math.max(s,1),g.getContext("2d").putImageData(m,0,0),n.setTransform(u,0,0,u,0,0),n.imageSmoothingEnabled=!1,n.clearRect(0,0,a,c),n.drawImage(g,0,0,a,c),this.guides.forEach(($,b)=>{for(let[A,S]of[[4,h("--paper","#fff")],[2,h($.role?`--${$.role}`:"--guide","#d55e00")]]){if(n.lineWidth=A,n.strokeStyle=S,n.setLineDash(A===4?[]:[[6,4],[2,3],[10,3,2,3]][b%3]),n.beginPath(),$.kind==="diagonal"){let N=Math.max(0,-$.offset),O=Math.min(s,i-$.offset);n.moveTo((N+$.offset)*o,N*o),n.lineTo((O+$.offset)*o,O*o)}else $.kind==="row"?(n.moveTo(0,($.offset+.5)*o),n.lineTo(a,($.offset+.5)*o)):(n.moveTo(($.offset+.5)*o,0),n.lineTo(($.offset+.5)*o,c));n.stroke()}}),n.setLineDash([]);let x=($,b,A,S)=>{n.lineWidth=S+2,n.strokeStyle=h("--paper","#fff"),n.strokeRect(b*o,$*o,o,o),n.lineWidth=S,n.strokeStyle=A,n.strokeRect(b*o,$*o,o,o)};for(let $ of this.marks)x($.row,$.col,h($.role?`--${$.role}`:"--accent","#d55e00"),2);if(this.focusKey&&k.current!==null)for(let $=0;$<s;$++)for(let b=0;b<i;b++)this.focusKey($,b)===k.current&&x($,b,h("--accent","#06c"),2);this.#e&&x(this.row,this.col,h("--ink","#000"),2)}active(e){this.#e=e,!e&&this.focusKey&&k.peek(null),this.draw()}go(e,n,s){let[i,o]=this.shape;this.row=Math.min(Math.max(e,0),i-1),this.col=Math.min(Math.max(n,0),o-1),this.#e=!0,this.focusKey&&k.peek(this.focusKey(this.row,this.col)),s&&this.dispatchEvent(new CustomEvent("cell",{detail:{row:this.row,col:this.col},bubbles:!0})),this.requestUpdate()}strongest(e){let[,n]=this.shape,s=0,i=o=>this.scale==="signed"?Math.abs(this.grid.at(e,o)):this.grid.at(e,o);for(let o=1;o<n;o++)!(this.causal&&o>e)&&i(o)>i(s)&&(s=o);return s}cellOf(e){let n=this.querySelector("canvas");if(!n)return null;let s=n.getBoundingClientRect(),[i,o]=this.shape,a=Math.floor((e.clientY-s.top)/s.height*i),c=Math.floor((e.clientX-s.left)/s.width*o);return a<0||c<0||a>=i||c>=o?null:[a,c]}};customElements.define("rung-heatmap",wn);var vt=["behaviour","clue","contribution","causal support","mechanism"],Zi=["Is there anything to explain?","Where does each head look?","Which component pushes the right token?","Does the model rely on it, for the reason claimed?","Is it built to do that?"],eo={holds:"✓",fails:"✗",contradicted:"✗",inconclusive:"?","not applicable":"–","not run":"○"},kn=class extends C{constructor(){super(...arguments);this.measurements=[];this.verdict=null;this.label="Evidence ladder"}static{this.properties={measurements:{attribute:!1},verdict:{attribute:!1},label:{}}}render(){return l`<div class="ladder" role="group" aria-label=${this.label}>
      ${this.verdict?l`<p class="verdict"><strong>${this.verdict.sentence}</strong></p>`:f}
      <ol reversed>
        ${[4,3,2,1,0].map(e=>this.rung(e))}
      </ol>
    </div>`}rung(e){let n=this.measurements.filter(a=>a.rung===e),s=n.filter(a=>a.required!==!1),i=s.filter(a=>a.outcome==="holds").length,o=this.verdict!==null&&this.verdict.rung>=e;return l`<li class="rung ${o?"reached":""}">
      <p class="rung-name">
        <span class="rung-number" aria-hidden="true">${e}</span> <strong>${vt[e]}</strong>
        <span class="quiet">${Zi[e]}</span>
        <span class="rung-state">${s.length?`${i} of ${s.length} required tests hold`:n.length?"":"not measured"}</span>
      </p>
      ${n.length?l`<div class="table-scroll" tabindex="0" role="region" aria-label="Tests of ${vt[e]}">
            <table>
              <thead class=${e===4?"":"sr"}>
                <tr><th scope="col">outcome</th><th scope="col">test</th><th scope="col">effect</th><th scope="col">interval</th><th scope="col">floor</th><th scope="col">control</th><th scope="col">n</th></tr>
              </thead>
              <tbody>
                ${n.map(a=>l`<tr class="outcome-${a.outcome.replace(" ","-")} ${a.required===!1?"shown":""}">
                    <td class="outcome"><span aria-hidden="true">${eo[a.outcome]}</span> ${a.outcome}</td>
                    <th scope="row">${a.title}${a.subject?l` <span class="quiet">${a.subject}</span>`:f}${a.required===!1?l` <span class="quiet">shown only</span>`:f}${a.note?l`<br /><span class="quiet">${a.note}</span>`:f}</th>
                    <td>${vn(a.value)} ${a.unit??""}</td>
                    <td>${typeof a.low=="number"&&typeof a.high=="number"?qe(a.low,a.high):"–"}</td>
                    <td>${vn(a.floor)}</td>
                    <td>${vn(a.control)}</td>
                    <td>${typeof a.n=="number"?a.n:"–"}</td>
                  </tr>`)}
              </tbody>
            </table>
          </div>`:f}
    </li>`}},vn=t=>typeof t=="number"?w(t):"–";customElements.define("rung-ladder",kn);function Ze(t,r){return t==null||r==null?NaN:t<r?-1:t>r?1:t>=r?0:NaN}function to(t,r){return t==null||r==null?NaN:r<t?-1:r>t?1:r>=t?0:NaN}function ps(t){let r,e,n;t.length!==2?(r=Ze,e=(a,c)=>Ze(t(a),c),n=(a,c)=>t(a)-c):(r=t===Ze||t===to?t:no,e=t,n=t);function s(a,c,u=0,p=a.length){if(u<p){if(r(c,c)!==0)return p;do{let h=u+p>>>1;e(a[h],c)<0?u=h+1:p=h}while(u<p)}return u}function i(a,c,u=0,p=a.length){if(u<p){if(r(c,c)!==0)return p;do{let h=u+p>>>1;e(a[h],c)<=0?u=h+1:p=h}while(u<p)}return u}function o(a,c,u=0,p=a.length){let h=s(a,c,u,p-1);return h>u&&n(a[h-1],c)>-n(a[h],c)?h-1:h}return{left:s,center:o,right:i}}function no(){return 0}function ro(t){return t===null?NaN:+t}var ms=ps(Ze),fs=ms.right,Ml=ms.left,Al=ps(ro).center;var Tl=gs(bs),Sl=gs(so);function gs(t){return function(r,e,n=e){if(!((e=+e)>=0))throw new RangeError("invalid rx");if(!((n=+n)>=0))throw new RangeError("invalid ry");let{data:s,width:i,height:o}=r;if(!((i=Math.floor(i))>=0))throw new RangeError("invalid width");if(!((o=Math.floor(o!==void 0?o:s.length/i))>=0))throw new RangeError("invalid height");if(!i||!o||!e&&!n)return r;let a=e&&t(e),c=n&&t(n),u=s.slice();return a&&c?(Ne(a,u,s,i,o),Ne(a,s,u,i,o),Ne(a,u,s,i,o),Ce(c,s,u,i,o),Ce(c,u,s,i,o),Ce(c,s,u,i,o)):a?(Ne(a,s,u,i,o),Ne(a,u,s,i,o),Ne(a,s,u,i,o)):c&&(Ce(c,s,u,i,o),Ce(c,u,s,i,o),Ce(c,s,u,i,o)),r}}function Ne(t,r,e,n,s){for(let i=0,o=n*s;i<o;)t(r,e,i,i+=n,1)}function Ce(t,r,e,n,s){for(let i=0,o=n*s;i<n;++i)t(r,e,i,i+o,n)}function so(t){let r=bs(t);return(e,n,s,i,o)=>{s<<=2,i<<=2,o<<=2,r(e,n,s+0,i+0,o),r(e,n,s+1,i+1,o),r(e,n,s+2,i+2,o),r(e,n,s+3,i+3,o)}}function bs(t){let r=Math.floor(t);if(r===t)return io(t);let e=t-r,n=2*t+1;return(s,i,o,a,c)=>{if(!((a-=c)>=o))return;let u=r*i[o],p=c*r,h=p+c;for(let d=o,y=o+p;d<y;d+=c)u+=i[Math.min(a,d)];for(let d=o,y=a;d<=y;d+=c)u+=i[Math.min(a,d+p)],s[d]=(u+e*(i[Math.max(o,d-h)]+i[Math.min(a,d+h)]))/n,u-=i[Math.max(o,d-p)]}}function io(t){let r=2*t+1;return(e,n,s,i,o)=>{if(!((i-=o)>=s))return;let a=t*n[s],c=o*t;for(let u=s,p=s+c;u<p;u+=o)a+=n[Math.min(i,u)];for(let u=s,p=i;u<=p;u+=o)a+=n[Math.min(i,u+c)],e[u]=a/r,a-=n[Math.max(s,u-c)]}}var oo=Array.prototype,El=oo.slice;var ao=Math.sqrt(50),lo=Math.sqrt(10),uo=Math.sqrt(2);function kt(t,r,e){let n=(r-t)/Math.max(0,e),s=Math.floor(Math.log10(n)),i=n/Math.pow(10,s),o=i>=ao?10:i>=lo?5:i>=uo?2:1,a,c,u;return s<0?(u=Math.pow(10,-s)/o,a=Math.round(t*u),c=Math.round(r*u),a/u<t&&++a,c/u>r&&--c,u=-u):(u=Math.pow(10,s)*o,a=Math.round(t/u),c=Math.round(r/u),a*u<t&&++a,c*u>r&&--c),c<a&&.5<=e&&e<2?kt(t,r,e*2):[a,c,u]}function ys(t,r,e){if(r=+r,t=+t,e=+e,!(e>0))return[];if(t===r)return[t];let n=r<t,[s,i,o]=n?kt(r,t,e):kt(t,r,e);if(!(i>=s))return[];let a=i-s+1,c=new Array(a);if(n)if(o<0)for(let u=0;u<a;++u)c[u]=(i-u)/-o;else for(let u=0;u<a;++u)c[u]=(i-u)*o;else if(o<0)for(let u=0;u<a;++u)c[u]=(s+u)/-o;else for(let u=0;u<a;++u)c[u]=(s+u)*o;return c}function xt(t,r,e){return r=+r,t=+t,e=+e,kt(t,r,e)[2]}function $s(t,r,e){r=+r,t=+t,e=+e;let n=r<t,s=n?xt(r,t,e):xt(t,r,e);return(n?-1:1)*(s<0?1/-s:s)}var Rl=co(Math.random);function co(t){return function(e,n=0,s=e.length){let i=s-(n=+n);for(;i;){let o=t()*i--|0,a=e[i+n];e[i+n]=e[o+n],e[o+n]=a}return e}}function je(t,r,e){t.prototype=r.prototype=e,e.constructor=t}function nt(t,r){var e=Object.create(t.prototype);for(var n in r)e[n]=r[n];return e}function de(){}var Me=.7,Le=1/Me,Pe="\\s*([+-]?\\d+)\\s*",et="\\s*([+-]?(?:\\d*\\.)?\\d+(?:[eE][+-]?\\d+)?)\\s*",te="\\s*([+-]?(?:\\d*\\.)?\\d+(?:[eE][+-]?\\d+)?)%\\s*",ho=/^#([0-9a-f]{3,8})$/,po=new RegExp(`^rgb\\(${Pe},${Pe},${Pe}\\)$`),mo=new RegExp(`^rgb\\(${te},${te},${te}\\)$`),fo=new RegExp(`^rgba\\(${Pe},${Pe},${Pe},${et}\\)$`),go=new RegExp(`^rgba\\(${te},${te},${te},${et}\\)$`),bo=new RegExp(`^hsl\\(${et},${te},${te}\\)$`),yo=new RegExp(`^hsla\\(${et},${te},${te},${et}\\)$`),ws={aliceblue:15792383,antiquewhite:16444375,aqua:65535,aquamarine:8388564,azure:15794175,beige:16119260,bisque:16770244,black:0,blanchedalmond:16772045,blue:255,blueviolet:9055202,brown:10824234,burlywood:14596231,cadetblue:6266528,chartreuse:8388352,chocolate:13789470,coral:16744272,cornflowerblue:6591981,cornsilk:16775388,crimson:14423100,cyan:65535,darkblue:139,darkcyan:35723,darkgoldenrod:12092939,darkgray:11119017,darkgreen:25600,darkgrey:11119017,darkkhaki:12433259,darkmagenta:9109643,darkolivegreen:5597999,darkorange:16747520,darkorchid:10040012,darkred:9109504,darksalmon:15308410,darkseagreen:9419919,darkslateblue:4734347,darkslategray:3100495,darkslategrey:3100495,darkturquoise:52945,darkviolet:9699539,deeppink:16716947,deepskyblue:49151,dimgray:6908265,dimgrey:6908265,dodgerblue:2003199,firebrick:11674146,floralwhite:16775920,forestgreen:2263842,fuchsia:16711935,gainsboro:14474460,ghostwhite:16316671,gold:16766720,goldenrod:14329120,gray:8421504,green:32768,greenyellow:11403055,grey:8421504,honeydew:15794160,hotpink:16738740,indianred:13458524,indigo:4915330,ivory:16777200,khaki:15787660,lavender:15132410,lavenderblush:16773365,lawngreen:8190976,lemonchiffon:16775885,lightblue:11393254,lightcoral:15761536,lightcyan:14745599,lightgoldenrodyellow:16448210,lightgray:13882323,lightgreen:9498256,lightgrey:13882323,lightpink:16758465,lightsalmon:16752762,lightseagreen:2142890,lightskyblue:8900346,lightslategray:7833753,lightslategrey:7833753,lightsteelblue:11584734,lightyellow:16777184,lime:65280,limegreen:3329330,linen:16445670,magenta:16711935,maroon:8388608,mediumaquamarine:6737322,mediumblue:205,mediumorchid:12211667,mediumpurple:9662683,mediumseagreen:3978097,mediumslateblue:8087790,mediumspringgreen:64154,mediumturquoise:4772300,mediumvioletred:13047173,midnightblue:1644912,mintcream:16121850,mistyrose:16770273,moccasin:16770229,navajowhite:16768685,navy:128,oldlace:16643558,olive:8421376,olivedrab:7048739,orange:16753920,orangered:16729344,orchid:14315734,palegoldenrod:15657130,palegreen:10025880,paleturquoise:11529966,palevioletred:14381203,papayawhip:16773077,peachpuff:16767673,peru:13468991,pink:16761035,plum:14524637,powderblue:11591910,purple:8388736,rebeccapurple:6697881,red:16711680,rosybrown:12357519,royalblue:4286945,saddlebrown:9127187,salmon:16416882,sandybrown:16032864,seagreen:3050327,seashell:16774638,sienna:10506797,silver:12632256,skyblue:8900331,slateblue:6970061,slategray:7372944,slategrey:7372944,snow:16775930,springgreen:65407,steelblue:4620980,tan:13808780,teal:32896,thistle:14204888,tomato:16737095,turquoise:4251856,violet:15631086,wheat:16113331,white:16777215,whitesmoke:16119285,yellow:16776960,yellowgreen:10145074};je(de,Ie,{copy(t){return Object.assign(new this.constructor,this,t)},displayable(){return this.rgb().displayable()},hex:vs,formatHex:vs,formatHex8:$o,formatHsl:wo,formatRgb:ks,toString:ks});function vs(){return this.rgb().formatHex()}function $o(){return this.rgb().formatHex8()}function wo(){return qs(this).formatHsl()}function ks(){return this.rgb().formatRgb()}function Ie(t){var r,e;return t=(t+"").trim().toLowerCase(),(r=ho.exec(t))?(e=r[1].length,r=parseInt(r[1],16),e===6?xs(r):e===3?new P(r>>8&15|r>>4&240,r>>4&15|r&240,(r&15)<<4|r&15,1):e===8?Mt(r>>24&255,r>>16&255,r>>8&255,(r&255)/255):e===4?Mt(r>>12&15|r>>8&240,r>>8&15|r>>4&240,r>>4&15|r&240,((r&15)<<4|r&15)/255):null):(r=po.exec(t))?new P(r[1],r[2],r[3],1):(r=mo.exec(t))?new P(r[1]*255/100,r[2]*255/100,r[3]*255/100,1):(r=fo.exec(t))?Mt(r[1],r[2],r[3],r[4]):(r=go.exec(t))?Mt(r[1]*255/100,r[2]*255/100,r[3]*255/100,r[4]):(r=bo.exec(t))?Ts(r[1],r[2]/100,r[3]/100,1):(r=yo.exec(t))?Ts(r[1],r[2]/100,r[3]/100,r[4]):ws.hasOwnProperty(t)?xs(ws[t]):t==="transparent"?new P(NaN,NaN,NaN,0):null}function xs(t){return new P(t>>16&255,t>>8&255,t&255,1)}function Mt(t,r,e,n){return n<=0&&(t=r=e=NaN),new P(t,r,e,n)}function En(t){return t instanceof de||(t=Ie(t)),t?(t=t.rgb(),new P(t.r,t.g,t.b,t.opacity)):new P}function rt(t,r,e,n){return arguments.length===1?En(t):new P(t,r,e,n??1)}function P(t,r,e,n){this.r=+t,this.g=+r,this.b=+e,this.opacity=+n}je(P,rt,nt(de,{brighter(t){return t=t==null?Le:Math.pow(Le,t),new P(this.r*t,this.g*t,this.b*t,this.opacity)},darker(t){return t=t==null?Me:Math.pow(Me,t),new P(this.r*t,this.g*t,this.b*t,this.opacity)},rgb(){return this},clamp(){return new P(ke(this.r),ke(this.g),ke(this.b),Tt(this.opacity))},displayable(){return-.5<=this.r&&this.r<255.5&&-.5<=this.g&&this.g<255.5&&-.5<=this.b&&this.b<255.5&&0<=this.opacity&&this.opacity<=1},hex:Ms,formatHex:Ms,formatHex8:vo,formatRgb:As,toString:As}));function Ms(){return`#${ve(this.r)}${ve(this.g)}${ve(this.b)}`}function vo(){return`#${ve(this.r)}${ve(this.g)}${ve(this.b)}${ve((isNaN(this.opacity)?1:this.opacity)*255)}`}function As(){let t=Tt(this.opacity);return`${t===1?"rgb(":"rgba("}${ke(this.r)}, ${ke(this.g)}, ${ke(this.b)}${t===1?")":`, ${t})`}`}function Tt(t){return isNaN(t)?1:Math.max(0,Math.min(1,t))}function ke(t){return Math.max(0,Math.min(255,Math.round(t)||0))}function ve(t){return t=ke(t),(t<16?"0":"")+t.toString(16)}function Ts(t,r,e,n){return n<=0?t=r=e=NaN:e<=0||e>=1?t=r=NaN:r<=0&&(t=NaN),new X(t,r,e,n)}function qs(t){if(t instanceof X)return new X(t.h,t.s,t.l,t.opacity);if(t instanceof de||(t=Ie(t)),!t)return new X;if(t instanceof X)return t;t=t.rgb();var r=t.r/255,e=t.g/255,n=t.b/255,s=Math.min(r,e,n),i=Math.max(r,e,n),o=NaN,a=i-s,c=(i+s)/2;return a?(r===i?o=(e-n)/a+(e<n)*6:e===i?o=(n-r)/a+2:o=(r-e)/a+4,a/=c<.5?i+s:2-i-s,o*=60):a=c>0&&c<1?0:o,new X(o,a,c,t.opacity)}function Et(t,r,e,n){return arguments.length===1?qs(t):new X(t,r,e,n??1)}function X(t,r,e,n){this.h=+t,this.s=+r,this.l=+e,this.opacity=+n}je(X,Et,nt(de,{brighter(t){return t=t==null?Le:Math.pow(Le,t),new X(this.h,this.s,this.l*t,this.opacity)},darker(t){return t=t==null?Me:Math.pow(Me,t),new X(this.h,this.s,this.l*t,this.opacity)},rgb(){var t=this.h%360+(this.h<0)*360,r=isNaN(t)||isNaN(this.s)?0:this.s,e=this.l,n=e+(e<.5?e:1-e)*r,s=2*e-n;return new P(xn(t>=240?t-240:t+120,s,n),xn(t,s,n),xn(t<120?t+240:t-120,s,n),this.opacity)},clamp(){return new X(Ss(this.h),At(this.s),At(this.l),Tt(this.opacity))},displayable(){return(0<=this.s&&this.s<=1||isNaN(this.s))&&0<=this.l&&this.l<=1&&0<=this.opacity&&this.opacity<=1},formatHsl(){let t=Tt(this.opacity);return`${t===1?"hsl(":"hsla("}${Ss(this.h)}, ${At(this.s)*100}%, ${At(this.l)*100}%${t===1?")":`, ${t})`}`}}));function Ss(t){return t=(t||0)%360,t<0?t+360:t}function At(t){return Math.max(0,Math.min(1,t||0))}function xn(t,r,e){return(t<60?r+(e-r)*t/60:t<180?e:t<240?r+(e-r)*(240-t)/60:r)*255}var Ns=Math.PI/180,Cs=180/Math.PI,St=18,Ps=.96422,Os=1,Ls=.82521,js=4/29,Oe=6/29,Is=3*Oe*Oe,ko=Oe*Oe*Oe;function Hs(t){if(t instanceof ne)return new ne(t.l,t.a,t.b,t.opacity);if(t instanceof ue)return Us(t);t instanceof P||(t=En(t));var r=Sn(t.r),e=Sn(t.g),n=Sn(t.b),s=Mn((.2225045*r+.7168786*e+.0606169*n)/Os),i,o;return r===e&&e===n?i=o=s:(i=Mn((.4360747*r+.3850649*e+.1430804*n)/Ps),o=Mn((.0139322*r+.0971045*e+.7141733*n)/Ls)),new ne(116*s-16,500*(i-s),200*(s-o),t.opacity)}function zs(t,r,e,n){return arguments.length===1?Hs(t):new ne(t,r,e,n??1)}function ne(t,r,e,n){this.l=+t,this.a=+r,this.b=+e,this.opacity=+n}je(ne,zs,nt(de,{brighter(t){return new ne(this.l+St*(t??1),this.a,this.b,this.opacity)},darker(t){return new ne(this.l-St*(t??1),this.a,this.b,this.opacity)},rgb(){var t=(this.l+16)/116,r=isNaN(this.a)?t:t+this.a/500,e=isNaN(this.b)?t:t-this.b/200;return r=Ps*An(r),t=Os*An(t),e=Ls*An(e),new P(Tn(3.1338561*r-1.6168667*t-.4906146*e),Tn(-.9787684*r+1.9161415*t+.033454*e),Tn(.0719453*r-.2289914*t+1.4052427*e),this.opacity)}}));function Mn(t){return t>ko?Math.pow(t,1/3):t/Is+js}function An(t){return t>Oe?t*t*t:Is*(t-js)}function Tn(t){return 255*(t<=.0031308?12.92*t:1.055*Math.pow(t,1/2.4)-.055)}function Sn(t){return(t/=255)<=.04045?t/12.92:Math.pow((t+.055)/1.055,2.4)}function xo(t){if(t instanceof ue)return new ue(t.h,t.c,t.l,t.opacity);if(t instanceof ne||(t=Hs(t)),t.a===0&&t.b===0)return new ue(NaN,0<t.l&&t.l<100?0:NaN,t.l,t.opacity);var r=Math.atan2(t.b,t.a)*Cs;return new ue(r<0?r+360:r,Math.sqrt(t.a*t.a+t.b*t.b),t.l,t.opacity)}function Rt(t,r,e,n){return arguments.length===1?xo(t):new ue(t,r,e,n??1)}function ue(t,r,e,n){this.h=+t,this.c=+r,this.l=+e,this.opacity=+n}function Us(t){if(isNaN(t.h))return new ne(t.l,0,0,t.opacity);var r=t.h*Ns;return new ne(t.l,Math.cos(r)*t.c,Math.sin(r)*t.c,t.opacity)}je(ue,Rt,nt(de,{brighter(t){return new ue(this.h,this.c,this.l+St*(t??1),this.opacity)},darker(t){return new ue(this.h,this.c,this.l-St*(t??1),this.opacity)},rgb(){return Us(this).rgb()}}));var Ds=-.14861,Rn=1.78277,_n=-.29227,_t=-.90649,tt=1.97294,Es=tt*_t,Rs=tt*Rn,_s=Rn*_n-_t*Ds;function Mo(t){if(t instanceof xe)return new xe(t.h,t.s,t.l,t.opacity);t instanceof P||(t=En(t));var r=t.r/255,e=t.g/255,n=t.b/255,s=(_s*n+Es*r-Rs*e)/(_s+Es-Rs),i=n-s,o=(tt*(e-s)-_n*i)/_t,a=Math.sqrt(o*o+i*i)/(tt*s*(1-s)),c=a?Math.atan2(o,i)*Cs-120:NaN;return new xe(c<0?c+360:c,a,s,t.opacity)}function qt(t,r,e,n){return arguments.length===1?Mo(t):new xe(t,r,e,n??1)}function xe(t,r,e,n){this.h=+t,this.s=+r,this.l=+e,this.opacity=+n}je(xe,qt,nt(de,{brighter(t){return t=t==null?Le:Math.pow(Le,t),new xe(this.h,this.s,this.l*t,this.opacity)},darker(t){return t=t==null?Me:Math.pow(Me,t),new xe(this.h,this.s,this.l*t,this.opacity)},rgb(){var t=isNaN(this.h)?0:(this.h+120)*Ns,r=+this.l,e=isNaN(this.s)?0:this.s*r*(1-r),n=Math.cos(t),s=Math.sin(t);return new P(255*(r+e*(Ds*n+Rn*s)),255*(r+e*(_n*n+_t*s)),255*(r+e*(tt*n)),this.opacity)}}));function Js(t,r,e,n,s){var i=t*t,o=i*t;return((1-3*t+3*i-o)*r+(4-6*i+3*o)*e+(1+3*t+3*i-3*o)*n+o*s)/6}function Ao(t){var r=t.length-1;return function(e){var n=e<=0?e=0:e>=1?(e=1,r-1):Math.floor(e*r),s=t[n],i=t[n+1],o=n>0?t[n-1]:2*s-i,a=n<r-1?t[n+2]:2*i-s;return Js((e-n/r)*r,o,s,i,a)}}function To(t){var r=t.length;return function(e){var n=Math.floor(((e%=1)<0?++e:e)*r),s=t[(n+r-1)%r],i=t[n%r],o=t[(n+1)%r],a=t[(n+2)%r];return Js((e-n/r)*r,s,i,o,a)}}var Ct=t=>()=>t;function Vs(t,r){return function(e){return t+e*r}}function So(t,r,e){return t=Math.pow(t,e),r=Math.pow(r,e)-t,e=1/e,function(n){return Math.pow(t+n*r,e)}}function Pn(t,r){var e=r-t;return e?Vs(t,e>180||e<-180?e-360*Math.round(e/360):e):Ct(isNaN(t)?r:t)}function Eo(t){return(t=+t)==1?W:function(r,e){return e-r?So(r,e,t):Ct(isNaN(r)?e:r)}}function W(t,r){var e=r-t;return e?Vs(t,e):Ct(isNaN(t)?r:t)}var Ws=(function t(r){var e=Eo(r);function n(s,i){var o=e((s=rt(s)).r,(i=rt(i)).r),a=e(s.g,i.g),c=e(s.b,i.b),u=W(s.opacity,i.opacity);return function(p){return s.r=o(p),s.g=a(p),s.b=c(p),s.opacity=u(p),s+""}}return n.gamma=t,n})(1);function Ks(t){return function(r){var e=r.length,n=new Array(e),s=new Array(e),i=new Array(e),o,a;for(o=0;o<e;++o)a=rt(r[o]),n[o]=a.r||0,s[o]=a.g||0,i[o]=a.b||0;return n=t(n),s=t(s),i=t(i),a.opacity=1,function(c){return a.r=n(c),a.g=s(c),a.b=i(c),a+""}}}var Cl=Ks(Ao),Pl=Ks(To);function Ro(t,r){r||(r=[]);var e=t?Math.min(r.length,t.length):0,n=r.slice(),s;return function(i){for(s=0;s<e;++s)n[s]=t[s]*(1-i)+r[s]*i;return n}}function _o(t){return ArrayBuffer.isView(t)&&!(t instanceof DataView)}function qo(t,r){var e=r?r.length:0,n=t?Math.min(e,t.length):0,s=new Array(n),i=new Array(e),o;for(o=0;o<n;++o)s[o]=Pt(t[o],r[o]);for(;o<e;++o)i[o]=r[o];return function(a){for(o=0;o<n;++o)i[o]=s[o](a);return i}}function No(t,r){var e=new Date;return t=+t,r=+r,function(n){return e.setTime(t*(1-n)+r*n),e}}function Z(t,r){return t=+t,r=+r,function(e){return t*(1-e)+r*e}}function Co(t,r){var e={},n={},s;(t===null||typeof t!="object")&&(t={}),(r===null||typeof r!="object")&&(r={});for(s in r)s in t?e[s]=Pt(t[s],r[s]):n[s]=r[s];return function(i){for(s in e)n[s]=e[s](i);return n}}var Nn=/[-+]?(?:\d+\.?\d*|\.?\d+)(?:[eE][-+]?\d+)?/g,qn=new RegExp(Nn.source,"g");function Po(t){return function(){return t}}function Oo(t){return function(r){return t(r)+""}}function Lo(t,r){var e=Nn.lastIndex=qn.lastIndex=0,n,s,i,o=-1,a=[],c=[];for(t=t+"",r=r+"";(n=Nn.exec(t))&&(s=qn.exec(r));)(i=s.index)>e&&(i=r.slice(e,i),a[o]?a[o]+=i:a[++o]=i),(n=n[0])===(s=s[0])?a[o]?a[o]+=s:a[++o]=s:(a[++o]=null,c.push({i:o,x:Z(n,s)})),e=qn.lastIndex;return e<r.length&&(i=r.slice(e),a[o]?a[o]+=i:a[++o]=i),a.length<2?c[0]?Oo(c[0].x):Po(r):(r=c.length,function(u){for(var p=0,h;p<r;++p)a[(h=c[p]).i]=h.x(u);return a.join("")})}function Pt(t,r){var e=typeof r,n;return r==null||e==="boolean"?Ct(r):(e==="number"?Z:e==="string"?(n=Ie(r))?(r=n,Ws):Lo:r instanceof Ie?Ws:r instanceof Date?No:_o(r)?Ro:Array.isArray(r)?qo:typeof r.valueOf!="function"&&typeof r.toString!="function"||isNaN(r)?Co:Z)(t,r)}function Gs(t,r){return t=+t,r=+r,function(e){return Math.round(t*(1-e)+r*e)}}var Bs=180/Math.PI,Cn={translateX:0,translateY:0,rotate:0,skewX:0,scaleX:1,scaleY:1};function Ys(t,r,e,n,s,i){var o,a,c;return(o=Math.sqrt(t*t+r*r))&&(t/=o,r/=o),(c=t*e+r*n)&&(e-=t*c,n-=r*c),(a=Math.sqrt(e*e+n*n))&&(e/=a,n/=a,c/=a),t*n<r*e&&(t=-t,r=-r,c=-c,o=-o),{translateX:s,translateY:i,rotate:Math.atan2(r,t)*Bs,skewX:Math.atan(c)*Bs,scaleX:o,scaleY:a}}var Nt;function jo(t){let r=new(typeof DOMMatrix=="function"?DOMMatrix:WebKitCSSMatrix)(t+"");return r.isIdentity?Cn:Ys(r.a,r.b,r.c,r.d,r.e,r.f)}function Io(t){return t==null||(Nt||(Nt=document.createElementNS("http://www.w3.org/2000/svg","g")),Nt.setAttribute("transform",t),!(t=Nt.transform.baseVal.consolidate()))?Cn:(t=t.matrix,Ys(t.a,t.b,t.c,t.d,t.e,t.f))}function Qs(t,r,e,n){function s(u){return u.length?u.pop()+" ":""}function i(u,p,h,d,y,m){if(u!==h||p!==d){var g=y.push("translate(",null,r,null,e);m.push({i:g-4,x:Z(u,h)},{i:g-2,x:Z(p,d)})}else(h||d)&&y.push("translate("+h+r+d+e)}function o(u,p,h,d){u!==p?(u-p>180?p+=360:p-u>180&&(u+=360),d.push({i:h.push(s(h)+"rotate(",null,n)-2,x:Z(u,p)})):p&&h.push(s(h)+"rotate("+p+n)}function a(u,p,h,d){u!==p?d.push({i:h.push(s(h)+"skewX(",null,n)-2,x:Z(u,p)}):p&&h.push(s(h)+"skewX("+p+n)}function c(u,p,h,d,y,m){if(u!==h||p!==d){var g=y.push(s(y)+"scale(",null,",",null,")");m.push({i:g-4,x:Z(u,h)},{i:g-2,x:Z(p,d)})}else(h!==1||d!==1)&&y.push(s(y)+"scale("+h+","+d+")")}return function(u,p){var h=[],d=[];return u=t(u),p=t(p),i(u.translateX,u.translateY,p.translateX,p.translateY,h,d),o(u.rotate,p.rotate,h,d),a(u.skewX,p.skewX,h,d),c(u.scaleX,u.scaleY,p.scaleX,p.scaleY,h,d),u=p=null,function(y){for(var m=-1,g=d.length,x;++m<g;)h[(x=d[m]).i]=x.x(y);return h.join("")}}}var Ol=Qs(jo,"px, ","px)","deg)"),Ll=Qs(Io,", ",")",")"),Ho=1e-12;function Fs(t){return((t=Math.exp(t))+1/t)/2}function zo(t){return((t=Math.exp(t))-1/t)/2}function Uo(t){return((t=Math.exp(2*t))-1)/(t+1)}var jl=(function t(r,e,n){function s(i,o){var a=i[0],c=i[1],u=i[2],p=o[0],h=o[1],d=o[2],y=p-a,m=h-c,g=y*y+m*m,x,$;if(g<Ho)$=Math.log(d/u)/r,x=function(pe){return[a+pe*y,c+pe*m,u*Math.exp(r*pe*$)]};else{var b=Math.sqrt(g),A=(d*d-u*u+n*g)/(2*u*e*b),S=(d*d-u*u-n*g)/(2*d*e*b),N=Math.log(Math.sqrt(A*A+1)-A),O=Math.log(Math.sqrt(S*S+1)-S);$=(O-N)/r,x=function(pe){var ut=pe*$,Be=Fs(N),ct=u/(e*b)*(Be*Uo(r*ut+N)-zo(N));return[a+ct*y,c+ct*m,u*Be/Fs(r*ut+N)]}}return x.duration=Math.abs($)*1e3*r/Math.SQRT2,x}return s.rho=function(i){var o=Math.max(.001,+i),a=o*o,c=a*a;return t(o,a,c)},s})(Math.SQRT2,2,4);function Xs(t){return function(r,e){var n=t((r=Et(r)).h,(e=Et(e)).h),s=W(r.s,e.s),i=W(r.l,e.l),o=W(r.opacity,e.opacity);return function(a){return r.h=n(a),r.s=s(a),r.l=i(a),r.opacity=o(a),r+""}}}var Il=Xs(Pn),Hl=Xs(W);function Zs(t){return function(r,e){var n=t((r=Rt(r)).h,(e=Rt(e)).h),s=W(r.c,e.c),i=W(r.l,e.l),o=W(r.opacity,e.opacity);return function(a){return r.h=n(a),r.c=s(a),r.l=i(a),r.opacity=o(a),r+""}}}var zl=Zs(Pn),Ul=Zs(W);function ei(t){return(function r(e){e=+e;function n(s,i){var o=t((s=qt(s)).h,(i=qt(i)).h),a=W(s.s,i.s),c=W(s.l,i.l),u=W(s.opacity,i.opacity);return function(p){return s.h=o(p),s.s=a(p),s.l=c(Math.pow(p,e)),s.opacity=u(p),s+""}}return n.gamma=r,n})(1)}var Dl=ei(Pn),Wl=ei(W);function Do(t){return Math.abs(t=Math.round(t))>=1e21?t.toLocaleString("en").replace(/,/g,""):t.toString(10)}function Lt(t,r){if(!isFinite(t)||t===0)return null;var e=(t=r?t.toExponential(r-1):t.toExponential()).indexOf("e"),n=t.slice(0,e);return[n.length>1?n[0]+n.slice(2):n,+t.slice(e+1)]}function He(t){return t=Lt(Math.abs(t)),t?t[1]:NaN}function Wo(t,r){return function(e,n){for(var s=e.length,i=[],o=0,a=t[0],c=0;s>0&&a>0&&(c+a+1>n&&(a=Math.max(1,n-c)),i.push(e.substring(s-=a,s+a)),!((c+=a+1)>n));)a=t[o=(o+1)%t.length];return i.reverse().join(r)}}function Bo(t){return function(r){return r.replace(/[0-9]/g,function(e){return t[+e]})}}var Fo=/^(?:(.)?([<>=^]))?([+\-( ])?([$#])?(0)?(\d+)?(,)?(\.\d+)?(~)?([a-z%])?$/i;function st(t){if(!(r=Fo.exec(t)))throw new Error("invalid format: "+t);var r;return new On({fill:r[1],align:r[2],sign:r[3],symbol:r[4],zero:r[5],width:r[6],comma:r[7],precision:r[8]&&r[8].slice(1),trim:r[9],type:r[10]})}st.prototype=On.prototype;function On(t){this.fill=t.fill===void 0?" ":t.fill+"",this.align=t.align===void 0?">":t.align+"",this.sign=t.sign===void 0?"-":t.sign+"",this.symbol=t.symbol===void 0?"":t.symbol+"",this.zero=!!t.zero,this.width=t.width===void 0?void 0:+t.width,this.comma=!!t.comma,this.precision=t.precision===void 0?void 0:+t.precision,this.trim=!!t.trim,this.type=t.type===void 0?"":t.type+""}On.prototype.toString=function(){return this.fill+this.align+this.sign+this.symbol+(this.zero?"0":"")+(this.width===void 0?"":Math.max(1,this.width|0))+(this.comma?",":"")+(this.precision===void 0?"":"."+Math.max(0,this.precision|0))+(this.trim?"~":"")+this.type};function Jo(t){e:for(var r=t.length,e=1,n=-1,s;e<r;++e)switch(t[e]){case".":n=s=e;break;case"0":n===0&&(n=e),s=e;break;default:if(!+t[e])break e;n>0&&(n=0);break}return n>0?t.slice(0,n)+t.slice(s+1):t}var jt;function Vo(t,r){var e=Lt(t,r);if(!e)return jt=void 0,t.toPrecision(r);var n=e[0],s=e[1],i=s-(jt=Math.max(-8,Math.min(8,Math.floor(s/3)))*3)+1,o=n.length;return i===o?n:i>o?n+new Array(i-o+1).join("0"):i>0?n.slice(0,i)+"."+n.slice(i):"0."+new Array(1-i).join("0")+Lt(t,Math.max(0,r+i-1))[0]}function ti(t,r){var e=Lt(t,r);if(!e)return t+"";var n=e[0],s=e[1];return s<0?"0."+new Array(-s).join("0")+n:n.length>s+1?n.slice(0,s+1)+"."+n.slice(s+1):n+new Array(s-n.length+2).join("0")}var ni={"%":(t,r)=>(t*100).toFixed(r),b:t=>Math.round(t).toString(2),c:t=>t+"",d:Do,e:(t,r)=>t.toExponential(r),f:(t,r)=>t.toFixed(r),g:(t,r)=>t.toPrecision(r),o:t=>Math.round(t).toString(8),p:(t,r)=>ti(t*100,r),r:ti,s:Vo,X:t=>Math.round(t).toString(16).toUpperCase(),x:t=>Math.round(t).toString(16)};function ri(t){return t}var si=Array.prototype.map,ii=["y","z","a","f","p","n","µ","m","","k","M","G","T","P","E","Z","Y"];function Ko(t){var r=t.grouping===void 0||t.thousands===void 0?ri:Wo(si.call(t.grouping,Number),t.thousands+""),e=t.currency===void 0?"":t.currency[0]+"",n=t.currency===void 0?"":t.currency[1]+"",s=t.decimal===void 0?".":t.decimal+"",i=t.numerals===void 0?ri:Bo(si.call(t.numerals,String)),o=t.percent===void 0?"%":t.percent+"",a=t.minus===void 0?"−":t.minus+"",c=t.nan===void 0?"NaN":t.nan+"";function u(h,d){h=st(h);var y=h.fill,m=h.align,g=h.sign,x=h.symbol,$=h.zero,b=h.width,A=h.comma,S=h.precision,N=h.trim,O=h.type;O==="n"?(A=!0,O="g"):ni[O]||(S===void 0&&(S=12),N=!0,O="g"),($||y==="0"&&m==="=")&&($=!0,y="0",m="=");var pe=(d&&d.prefix!==void 0?d.prefix:"")+(x==="$"?e:x==="#"&&/[boxX]/.test(O)?"0"+O.toLowerCase():""),ut=(x==="$"?n:/[%p]/.test(O)?o:"")+(d&&d.suffix!==void 0?d.suffix:""),Be=ni[O],ct=/[defgprs%]/.test(O);S=S===void 0?6:/[gprs]/.test(O)?Math.max(1,Math.min(21,S)):Math.max(0,Math.min(20,S));function Hr(T){var me=pe,V=ut,Se,zr,ht;if(O==="c")V=Be(T)+V,T="";else{T=+T;var dt=T<0||1/T<0;if(T=isNaN(T)?c:Be(Math.abs(T),S),N&&(T=Jo(T)),dt&&+T==0&&g!=="+"&&(dt=!1),me=(dt?g==="("?g:a:g==="-"||g==="("?"":g)+me,V=(O==="s"&&!isNaN(T)&&jt!==void 0?ii[8+jt/3]:"")+V+(dt&&g==="("?")":""),ct){for(Se=-1,zr=T.length;++Se<zr;)if(ht=T.charCodeAt(Se),48>ht||ht>57){V=(ht===46?s+T.slice(Se+1):T.slice(Se))+V,T=T.slice(0,Se);break}}}A&&!$&&(T=r(T,1/0));var pt=me.length+T.length+V.length,se=pt<b?new Array(b-pt+1).join(y):"";switch(A&&$&&(T=r(se+T,se.length?b-V.length:1/0),se=""),m){case"<":T=me+T+V+se;break;case"=":T=me+se+T+V;break;case"^":T=se.slice(0,pt=se.length>>1)+me+T+V+se.slice(pt);break;default:T=se+me+T+V;break}return i(T)}return Hr.toString=function(){return h+""},Hr}function p(h,d){var y=Math.max(-8,Math.min(8,Math.floor(He(d)/3)))*3,m=Math.pow(10,-y),g=u((h=st(h),h.type="f",h),{suffix:ii[8+y/3]});return function(x){return g(m*x)}}return{format:u,formatPrefix:p}}var Ot,Ln,jn;Go({thousands:",",grouping:[3],currency:["$",""]});function Go(t){return Ot=Ko(t),Ln=Ot.format,jn=Ot.formatPrefix,Ot}function oi(t){return Math.max(0,-He(Math.abs(t)))}function ai(t,r){return Math.max(0,Math.max(-8,Math.min(8,Math.floor(He(r)/3)))*3-He(Math.abs(t)))}function li(t,r){return t=Math.abs(t),r=Math.abs(r)-t,Math.max(0,He(r)-He(t))+1}function di(t,r){switch(arguments.length){case 0:break;case 1:this.range(t);break;default:this.range(r).domain(t);break}return this}function Yo(t){return function(){return t}}function Qo(t){return+t}var ui=[0,1];function ze(t){return t}function In(t,r){return(r-=t=+t)?function(e){return(e-t)/r}:Yo(isNaN(r)?NaN:.5)}function Xo(t,r){var e;return t>r&&(e=t,t=r,r=e),function(n){return Math.max(t,Math.min(r,n))}}function Zo(t,r,e){var n=t[0],s=t[1],i=r[0],o=r[1];return s<n?(n=In(s,n),i=e(o,i)):(n=In(n,s),i=e(i,o)),function(a){return i(n(a))}}function ea(t,r,e){var n=Math.min(t.length,r.length)-1,s=new Array(n),i=new Array(n),o=-1;for(t[n]<t[0]&&(t=t.slice().reverse(),r=r.slice().reverse());++o<n;)s[o]=In(t[o],t[o+1]),i[o]=e(r[o],r[o+1]);return function(a){var c=fs(t,a,1,n)-1;return i[c](s[c](a))}}function pi(t,r){return r.domain(t.domain()).range(t.range()).interpolate(t.interpolate()).clamp(t.clamp()).unknown(t.unknown())}function mi(){var t=ui,r=ui,e=Pt,n,s,i,o=ze,a,c,u;function p(){var d=Math.min(t.length,r.length);return o!==ze&&(o=Xo(t[0],t[d-1])),a=d>2?ea:Zo,c=u=null,h}function h(d){return d==null||isNaN(d=+d)?i:(c||(c=a(t.map(n),r,e)))(n(o(d)))}return h.invert=function(d){return o(s((u||(u=a(r,t.map(n),Z)))(d)))},h.domain=function(d){return arguments.length?(t=Array.from(d,Qo),p()):t.slice()},h.range=function(d){return arguments.length?(r=Array.from(d),p()):r.slice()},h.rangeRound=function(d){return r=Array.from(d),e=Gs,p()},h.clamp=function(d){return arguments.length?(o=d?!0:ze,p()):o!==ze},h.interpolate=function(d){return arguments.length?(e=d,p()):e},h.unknown=function(d){return arguments.length?(i=d,h):i},function(d,y){return n=d,s=y,p()}}function ta(){return mi()(ze,ze)}function na(t,r,e,n){var s=$s(t,r,e),i;switch(n=st(n??",f"),n.type){case"s":{var o=Math.max(Math.abs(t),Math.abs(r));return n.precision==null&&!isNaN(i=ai(s,o))&&(n.precision=i),jn(n,o)}case"":case"e":case"g":case"p":case"r":{n.precision==null&&!isNaN(i=li(s,Math.max(Math.abs(t),Math.abs(r))))&&(n.precision=i-(n.type==="e"));break}case"f":case"%":{n.precision==null&&!isNaN(i=oi(s))&&(n.precision=i-(n.type==="%")*2);break}}return Ln(n)}function fi(t){var r=t.domain;return t.ticks=function(e){var n=r();return ys(n[0],n[n.length-1],e??10)},t.tickFormat=function(e,n){var s=r();return na(s[0],s[s.length-1],e??10,n)},t.nice=function(e){e==null&&(e=10);var n=r(),s=0,i=n.length-1,o=n[s],a=n[i],c,u,p=10;for(a<o&&(u=o,o=a,a=u,u=s,s=i,i=u);p-- >0;){if(u=xt(o,a,e),u===c)return n[s]=o,n[i]=a,r(n);if(u>0)o=Math.floor(o/u)*u,a=Math.ceil(a/u)*u;else if(u<0)o=Math.ceil(o*u)/u,a=Math.floor(a*u)/u;else break;c=u}return t},t}function It(){var t=ta();return t.copy=function(){return pi(t,It())},di.apply(t,arguments),fi(t)}function ci(t){return function(r){return Math.sign(r)*Math.log1p(Math.abs(r/t))}}function hi(t){return function(r){return Math.sign(r)*Math.expm1(Math.abs(r))*t}}function ra(t){var r=1,e=t(ci(r),hi(r));return e.constant=function(n){return arguments.length?t(ci(r=+n),hi(r)):r},fi(e)}function Hn(){var t=ra(mi());return t.copy=function(){return pi(t,Hn()).constant(t.constant())},di.apply(t,arguments)}var sa=["","6 3","2 3","10 3 2 3","4 4","1 4"],zn=class extends C{constructor(){super(...arguments);this.series=[];this.x="";this.y="";this.label="";this.rules=[];this.domain=null;this.xDomain=null;this.log=!1;this.height=240;this.cursor=null;this.table=!1}static{this.properties={series:{attribute:!1},x:{},y:{},label:{},rules:{attribute:!1},domain:{attribute:!1},xDomain:{attribute:!1},log:{type:Boolean},height:{type:Number},cursor:{type:Number},table:{state:!0}}}render(){let e=Math.max(this.width||600,200),{height:n}=this,s=this.series.flatMap(b=>b.points).filter(([b,A])=>Number.isFinite(b)&&Number.isFinite(A)),i=s.map(([b])=>b),o=[...s.map(([,b])=>b),...this.rules.map(b=>b.y)],[a,c,u,p]=[48,12,12,38],h=this.xDomain??(i.length?[Math.min(...i),Math.max(...i)]:[0,1]),d=this.domain??(o.length?[Math.min(0,...o),Math.max(...o)]:[0,1]),y=(this.log?Hn():It()).domain(h).range([a,e-c]),m=It().domain(d).range([n-p,u]).nice(),g=e<420?4:6,x=b=>b.points.filter(([A,S])=>Number.isFinite(A)&&Number.isFinite(S)).map(([A,S],N)=>`${N?"L":"M"}${y(A).toFixed(1)} ${m(S).toFixed(1)}`).join(""),$=(b,A)=>b.predicted?"2 4":b.dashed?"6 3":b.role?"":sa[A%6];return l`<figure class="lines">
      <svg width=${e} height=${n} role="img" aria-label="${this.label||`${this.y} by ${this.x}`}">
        ${m.ticks(5).map(b=>R`<line x1=${a} x2=${e-c} y1=${m(b)} y2=${m(b)} class="grid"></line><text x=${a-6} y=${m(b)+4} class="tick" text-anchor="end">${b}</text>`)}
        ${(this.log?ia(h,g):y.ticks(g)).map(b=>R`<text x=${y(b)} y=${n-p+16} class="tick" text-anchor="middle">${b}</text>`)}
        <text x=${(a+e-c)/2} y=${n-4} class="axis" text-anchor="middle">${this.x}</text>
        <text x="12" y=${(u+n-p)/2} class="axis" text-anchor="middle" transform="rotate(-90 12 ${(u+n-p)/2})">${this.y}</text>
        ${this.rules.map(b=>R`<line x1=${a} x2=${e-c} y1=${m(b.y)} y2=${m(b.y)} class="rule"></line><text x=${e-c} y=${m(b.y)-4} class="tick halo" text-anchor="end">${b.label} ${w(b.y)}</text>`)}
        ${this.cursor===null?f:R`<line x1=${y(this.cursor)} x2=${y(this.cursor)} y1=${u} y2=${n-p} class="cursor"></line>`}
        ${this.series.map((b,A)=>R`<path d=${x(b)} fill="none" stroke=${b.predicted?"var(--guess)":oe(b.role,A)} stroke-width="2" stroke-dasharray=${$(b,A)} stroke-linejoin="round"></path>
          ${b.points.length===1?R`<circle cx=${y(b.points[0][0])} cy=${m(b.points[0][1])} r="3" fill=${oe(b.role,A)}></circle>`:f}`)}
      </svg>
      <ul class="legend">
        ${this.series.map((b,A)=>l`<li><svg class="swatch wide" viewBox="0 0 20 12" aria-hidden="true"><path d="M0 6H20" fill="none" stroke=${b.predicted?"var(--guess)":oe(b.role,A)} stroke-width="2.5" stroke-dasharray=${$(b,A)}></path></svg>${b.label}${b.role?l` <span class="role-tag ${b.role}">${b.role}</span>`:f}${b.points.length?l` <span class="quiet">${w(b.points.at(-1)[1])}</span>`:f}</li>`)}
      </ul>
      ${he(this.table,()=>this.table=!this.table,this.label||`${this.y} by ${this.x}`,[this.x||"x",...this.series.map(b=>b.label)],()=>{let b=[...new Set(i)].sort((S,N)=>S-N),A=this.series.map(S=>new Map(S.points));return b.map(S=>[w(S,Number.isInteger(S)?0:2),...A.map(N=>N.has(S)?w(N.get(S),3):"")])})}
    </figure>`}};function ia([t,r],e){let n=t<=0?[0]:[];for(let s=1;s<=r;s*=10)s>=t&&n.push(s);return n.length>e?n.filter((s,i)=>i%2===0):n}customElements.define("rung-lines",zn);var Un=class extends C{constructor(){super(...arguments);this.grids=[];this.labels=[];this.scores=[];this.keys=[];this.selected=null;this.label="Heads"}static{this.properties={grids:{attribute:!1},labels:{attribute:!1},scores:{attribute:!1},keys:{attribute:!1},selected:{type:Number},label:{}}}render(){return l`<ul class="thumbs" aria-label=${this.label}>
      ${this.grids.map((e,n)=>{let s=this.keys[n];return l`<li>
          <button
            type="button"
            class="thumb ${s!==void 0&&k.current===s?"lit":""}"
            aria-pressed=${n===this.selected?"true":"false"}
            @click=${()=>this.dispatchEvent(new CustomEvent("pick",{detail:{index:n},bubbles:!0}))}
            @pointerenter=${()=>s&&k.peek(s)}
            @pointerleave=${()=>s&&k.peek(null)}
          >
            <canvas aria-hidden="true"></canvas>
            <span class="thumb-label">${this.labels[n]??n}</span>
            <span class="thumb-score">${this.scores[n]??""}</span>
          </button>
        </li>`})}
    </ul>`}updated(){let e=this.querySelectorAll("canvas");this.grids.forEach((n,s)=>oa(e[s],n))}};function oa(t,r){let[e,n]=[r.shape[0],r.shape[1]];t.width=n,t.height=e;let s=new ImageData(n,e);for(let i=0;i<e*n;i++)s.data.set([...$t(r.data[i]),255],4*i);t.getContext("2d").putImageData(s,0,0)}customElements.define("rung-thumbs",Un);var Dn=class extends C{constructor(){super(...arguments);this.tokens=[];this.selected=null;this.marks=[];this.label="Tokens";this.at=0;this.keys=e=>{let n=[...this.querySelectorAll(".tok")],s=n.indexOf(document.activeElement),i={ArrowLeft:s-1,ArrowRight:s+1,Home:0,End:n.length-1}[e.key];if(i===void 0||s<0)return;e.preventDefault();let o=n[Math.min(Math.max(i,0),n.length-1)];for(let a of n)a.tabIndex=a===o?0:-1;o.focus(),k.peek(`pos:${n.indexOf(o)}`)}}static{this.properties={tokens:{attribute:!1},selected:{type:Number},marks:{attribute:!1},label:{},at:{state:!0}}}render(){let e=Math.min(this.selected??this.at,this.tokens.length-1),n=new Map(this.marks.map(s=>[s.index,s]));return l`<div class="tokens" role="group" aria-label=${this.label} @keydown=${this.keys}>
      ${this.tokens.map((s,i)=>{let o=n.get(i),a=k.current===`pos:${i}`;return l`<button
          type="button"
          class="tok ${a?"lit":""} ${o?.role??""} ${o?"marked":""}"
          tabindex=${i===e?0:-1}
          aria-pressed=${i===this.selected?"true":"false"}
          aria-label="${i}: ${ae(s)}${o?`, ${o.label}`:""}"
          @click=${()=>this.pick(i)}
          @pointerenter=${()=>k.peek(`pos:${i}`)}
          @pointerleave=${()=>k.peek(null)}
        ><span class="index">${i}</span>${ae(s)}${o?l`<span class="mark">${o.label}</span>`:""}</button>`})}
    </div>`}pick(e){this.at=e,this.dispatchEvent(new CustomEvent("pick",{detail:{index:e},bubbles:!0}))}};customElements.define("rung-tokens",Dn);var gi=new Set,Wn=new Set,B={done:t=>gi.has(t),tell(t){gi.add(t);for(let r of[...Wn])r(t)},subscribe(t){return Wn.add(t),()=>Wn.delete(t)}};var L=class t{constructor(r,e){this.shape=r;this.data=e;if(r.reduce((s,i)=>s*i,1)!==e.length)throw new RangeError(`${e.length} numbers do not fill the shape [${r.join(", ")}]`)}static from(r){let e=atob(r.data),n=Uint8Array.from(e,o=>o.charCodeAt(0)),s=new DataView(n.buffer),i=new Float32Array(n.length>>2);for(let o=0;o<i.length;o++)i[o]=s.getFloat32(4*o,!0);return new t(r.shape,i)}static of(r,e){return new t(r,Float32Array.from(e))}at(...r){return this.data[this.offset(r)]}slice(...r){let e=this.shape.slice(r.length),n=e.reduce((i,o)=>i*o,1),s=this.offset(r);return new t(e,this.data.subarray(s,s+n))}max(){return this.data.reduce((r,e)=>Math.max(r,e),-1/0)}min(){return this.data.reduce((r,e)=>Math.min(r,e),1/0)}offset(r){let e=0;for(let n=0;n<this.shape.length;n++){let s=this.shape[n],i=r[n]??0;if(!(i>=0&&i<s))throw new RangeError(`index ${i} is outside axis ${n} of ${s}`);e=e*s+i}return e}};var z=class extends Error{constructor(e,n="error"){super(e);this.kind=n;this.name="LabError"}},Bn=new Set,U={status:"ok",run:null,set(t){if(t!==U.status){U.status=t;for(let r of[...Bn])r()}},subscribe(t){return Bn.add(t),()=>Bn.delete(t)}},aa="The lab was restarted since this page was opened. Open the address that rung lab printed last; what you set is in this page's address, and your pins are kept.",bi="The lab does not answer: it was stopped, or the connection broke. Start rung lab again, or press Run once more; nothing that you typed is lost.",la=(()=>{let t=new Uint8Array(9);return globalThis.crypto?.getRandomValues(t),Array.from(t,r=>r.toString(36).padStart(2,"0")).join("")})();async function yi(t){let r=`the server answered ${t.status}`,e=String(t.status);try{let n=await t.json();typeof n.message=="string"&&(r=n.message),typeof n.kind=="string"&&(e=n.kind)}catch{}return t.status===401?(U.set("restarted"),new z(aa,"restarted")):new z(r,e)}var Fn=async(t,r,e)=>{let n;try{n=await fetch(t,{method:"POST",headers:{"content-type":"application/json"},body:r,credentials:"same-origin",signal:e})}catch(s){throw e?.aborted?s:(U.set("lost"),new z(bi,"lost"))}if(!n.ok)throw await yi(n);return n};async function*ua(t){let r=t.getReader(),e=new TextDecoder,n="";try{for(;;){let{done:s,value:i}=await r.read();n+=e.decode(i,{stream:!s});let o=s?n:n.replace(/\r$/,""),a=n.slice(o.length),c=o.replace(/\r\n?/g,`
`).split(`

`);n=(c.pop()??"")+a;for(let u of c){let p={name:"message",data:""},h=[];for(let d of u.split(`
`)){let y=d.indexOf(":");if(y===0)continue;let m=y<0?d:d.slice(0,y),g=y<0?"":d.slice(y+1).replace(/^ /,"");m==="event"&&(p.name=g),m==="data"&&h.push(g)}h.length&&(p.data=h.join(`
`),yield p)}if(s)return}}finally{r.cancel().catch(()=>{})}}var ca={async run(t,r,{signal:e,onProgress:n}){let s=await Fn("/api/run",JSON.stringify({computation:t,ask:r,tab:la}),e);U.set("ok");try{for await(let i of ua(s.body)){let o=JSON.parse(i.data);if(i.name==="progress")n?.(o);else{if(i.name==="answer")return o;if(i.name==="error")throw new z(String(o.message),String(o.kind??"error"));if(i.name==="cancelled")throw new z("The computation was cancelled.","cancelled")}}}catch(i){if(i instanceof z||e.aborted)throw i}throw e.aborted?e.reason:(U.set("lost"),new z(bi,"lost"))},async session(){let t=await fetch("/api/session",{credentials:"same-origin"});if(!t.ok)throw await yi(t);return await t.json()},async check(t){return await(await Fn("/api/drawer",t)).json()},async save(t){return await(await Fn("/api/drawer/save",JSON.stringify(t))).json()}},Ut=ca;var Jn=()=>Ut,Ht=new Map,Dt=t=>t instanceof DOMException&&t.name==="AbortError";async function F(t,r,e){Ht.get(e.panel)?.abort();let n=new AbortController;Ht.set(e.panel,n);let s=()=>n.abort();e.signal?.aborted&&s(),e.signal?.addEventListener("abort",s);try{let i=await Ut.run(t,r,{signal:n.signal,onProgress:o=>{n.signal.aborted||e.onProgress?.(o)}});if(n.signal.aborted)throw n.signal.reason;return i}finally{e.signal?.removeEventListener("abort",s),Ht.get(e.panel)===n&&Ht.delete(e.panel)}}var zt=null;function Wt(){return zt??=Ut.session().then(t=>(U.run=t.run,t)),zt.catch(()=>zt=null),zt}async function Vn(){try{let t=await Ut.session();U.set(U.run===null||t.run===U.run?"ok":"restarted")}catch(t){U.set(t instanceof z&&t.kind==="restarted"?"restarted":"lost")}}var Bt="rung-drawer:",Kn=new Set,Ae=`${Bt}none`,Ft=t=>{try{let r=localStorage.getItem(t);return r===null?null:JSON.parse(r)}catch{return null}},ha=t=>typeof t=="object"&&t!==null&&t.format==="rung-drawer",v={pins:[],proof:null,add(t){let r=JSON.stringify([t.panel,t.test,t.subject,t.title,t.ask]),e=v.pins.filter(s=>JSON.stringify([s.panel,s.test,s.subject,s.title,s.ask])!==r),n=new Date().toISOString();v.pins=[...e,{...t,id:`${n}-${e.length}`,at:n}],Ue()},remove(t){v.pins=v.pins.filter(r=>r.id!==t),Ue()},clear(){v.pins=[],v.proof=null,Ue()},setProof(t){v.proof=t,Ue()},file(){return{format:"rung-drawer",version:1,run:Ae.slice(Bt.length),saved:new Date().toISOString(),pins:v.pins,proof:v.proof}},async download(){let t=v.pins.map(({id:s,at:i,...o})=>o),r=await Jn().save({pins:t,proof:v.proof}),e=URL.createObjectURL(new Blob([r.text],{type:"application/json"})),n=document.createElement("a");n.href=e,n.download=r.name,n.click(),setTimeout(()=>URL.revokeObjectURL(e),1e3)},async open(t){v.show(await Jn().check(t))},show(t){if(t.drawer){v.pins=[];for(let r of t.drawer.pins)v.add(r);v.proof=t.drawer.proof??null}else t.record!==null&&(v.proof=JSON.parse(t.record));Ue()},earlier(){let t=[];for(let r=0;r<localStorage.length;r++){let e=localStorage.key(r);if(!e.startsWith(Bt)||e===Ae)continue;let n=Ft(e);n?.pins?.length&&t.push({key:e,pins:n.pins,saved:n.saved??""})}return t.sort((r,e)=>e.saved.localeCompare(r.saved))},bringBack(t){let r=Ft(t);if(!r)return;let e=new Set(v.pins.map(n=>n.id));v.pins=[...v.pins,...(r.pins??[]).filter(n=>!e.has(n.id))],v.proof??=r.proof??null,localStorage.removeItem(t),Ue()},subscribe(t){return Kn.add(t),()=>Kn.delete(t)}},wi=()=>{for(let t of[...Kn])t()};function Ue(){try{localStorage.setItem(Ae,JSON.stringify(v.file()))}catch{}wi()}function $i(){let t=Ft(Ae);ha(t)&&(v.pins=t.pins??[],v.proof=t.proof??null),wi()}async function vi(){let t=await Wt();Ae=Bt+t.run;let r=Ft(Ae)===null;$i(),r&&v.show({drawer:t.drawer,record:t.record}),window.addEventListener("storage",e=>{e.key===Ae&&$i()})}var da=t=>JSON.stringify(t,(r,e)=>e&&typeof e=="object"&&!Array.isArray(e)?Object.fromEntries(Object.entries(e).sort(([n],[s])=>n<s?-1:1)):e),ki=null,pa=async()=>{let t=await fetch("/static/precomputed.json",{credentials:"same-origin"});return t.ok?await t.json():{answers:{},same:{}}};async function xi(t,r){try{ki??=pa();let{answers:e,same:n}=await ki,s=`${t} ${da(r)}`;return e[n[s]??s]??null}catch{return null}}var Jt=new Set,Gn=()=>new URLSearchParams(location.search),_={get(t,r=""){return Gn().get(t)??r},number(t,r){let e=Gn().get(t);if(e===null||e.trim()==="")return r;let n=Number(e);return Number.isFinite(n)?n:r},set(t){let r=Gn(),e=r.toString();for(let[s,i]of Object.entries(t))i===null?r.delete(s):r.set(s,String(i));let n=r.toString();if(n!==e){history.replaceState(history.state,"",`${location.pathname}${n?`?${n}`:""}${location.hash}`);for(let s of[...Jt])s()}},subscribe(t){return Jt.add(t),()=>Jt.delete(t)}};typeof window<"u"&&window.addEventListener("popstate",()=>{for(let t of[...Jt])t()});var J=()=>_.get("model","two-layer"),ma=400,fa=150,q=class extends I{constructor(){super(...arguments);this.live=!0;this.prediction=null;this.answer=null;this.beside=null;this.#e=null;this.#t=null;this.#n=0;this.#r=null;this.#s=!1;this.#l=!1;this.#o=null;this.#i=null;this.#d=!1;this.#a="";this.#u="";this.#h=!1;this.#c=null;this.#y=[];this.#p=null;this.#m=!0;this.#f=!1;this.#g=0}controls(){return f}pin(e,n){return null}describe(e){return Object.entries(e).filter(([,n])=>n!=null&&typeof n!="object"&&n!=="").map(([n,s])=>n==="model"?String(s):`${n.replace(/_/g," ")} ${String(s).slice(0,40)}`).join(" · ")}#e;#t;#n;#r;#s;#l;#o;#i;#d;#a;#u;#h;#c;#y;#p;#m;#f;#g;static{this.properties={prediction:{attribute:!1},answer:{attribute:!1},beside:{attribute:!1}}}createRenderRoot(){return this}connectedCallback(){super.connectedCallback(),this.id=this.name,this.classList.add("panel"),this.#x(),this.#y=[_.subscribe(()=>this.#v()),k.subscribe(()=>this.requestUpdate()),v.subscribe(()=>this.requestUpdate())],this.#p=new IntersectionObserver(e=>{this.#m=e.some(n=>n.isIntersecting),this.#m&&this.#f&&this.#v()}),this.#p.observe(this)}disconnectedCallback(){super.disconnectedCallback();for(let e of this.#y)e();this.#p?.disconnect()}setPrediction(e){this.prediction=e,this.#b(),this.act("predicted")}act(e){B.tell(`${this.name}:${e}`)}value(e,n=""){return _.get(`${this.name}.${e}`,n)}number(e,n){return _.number(`${this.name}.${e}`,n)}put(e){_.set(Object.fromEntries(Object.entries(e).map(([n,s])=>[`${this.name}.${n}`,s])))}get answered(){return this.#e}get besideAsk(){return this.#t?.ask??null}async runNow(){let e=this.ask();if(typeof e=="string"){this.#i=e,this.requestUpdate();return}window.clearTimeout(this.#g);let n=++this.#n,s=this.#r=new AbortController;this.#s=!0,this.#l=!1,this.#f=!1,this.#o=null,this.#i=null,this.#a="",this.requestUpdate();let i=window.setTimeout(()=>{n===this.#n&&(this.#l=!0,this.requestUpdate())},ma);xi(this.computation,e).then(o=>{o===null||n!==this.#n||!this.#s||this.#$(e,o,!0)});try{let o=await F(this.computation,e,{panel:this.name,signal:s.signal,onProgress:a=>{n===this.#n&&(this.#o=a,this.requestUpdate())}});if(n!==this.#n)return;this.#$(e,o,!1),this.#a=`${this.heading}: done.`,this.act("ran")}catch(o){if(n!==this.#n)return;Dt(o)||o instanceof z&&o.kind==="cancelled"?this.#a="Cancelled. Press Run to ask again.":(this.#i=o instanceof Error?o.message:String(o),o instanceof z||console.error(o))}finally{window.clearTimeout(i),n===this.#n&&(this.#s=!1,this.#l=!1,this.#o=null,this.requestUpdate())}}cancel(){this.#r?.abort()}#$(e,n,s){this.#e=e,this.#d=s,this.answer=n,this.requestUpdate()}#w(){if(this.#e===null)return!1;let e=this.ask();return typeof e=="string"||JSON.stringify(e)!==JSON.stringify(this.#e)}#v(){if(this.requestUpdate(),!(!this.live||this.answer===null&&!this.#s)&&!(!this.#w()&&!this.#s)){if(!this.#m){this.#f=!0;return}window.clearTimeout(this.#g),this.#g=window.setTimeout(()=>{this.runNow()},fa)}}#x(){try{let e=JSON.parse(sessionStorage.getItem(`rung:${this.name}`)??"{}");this.prediction??=e.prediction??null,this.#u=e.gap??"",this.#h=e.explained??!1}catch{}}#b(){try{let e={prediction:this.prediction,gap:this.#u,explained:this.#h};sessionStorage.setItem(`rung:${this.name}`,JSON.stringify(e))}catch{}}render(){return l`<div class="slot">
        <div class="panel-body" role="group" aria-labelledby="${this.name}-heading">${this.#M()}</div>
      </div>
      <dialog aria-labelledby="${this.name}-heading" @close=${()=>this.#q()}></dialog>`}#M(){let{answer:e}=this,n=e!==null&&this.#e!==null;return l`<header class="panel-head">
        <h3 id="${this.name}-heading">${this.heading}</h3>
        <button type="button" class="icon" data-act="enlarge" @click=${()=>this.#_()}>
          <span class="grow">Enlarge</span><span class="shrink">Close</span>
        </button>
      </header>
      <div class="predict stage"><p class="stage-name">Predict</p>${this.predict()}</div>
      <div class="run stage">
        <div class="controls">${this.controls()}</div>
        <div class="run-row">
          <button type="button" class="primary" data-act="run" @click=${()=>{this.runNow()}}>
            ${n?"Run again":"Run"}
          </button>
          ${this.#s&&this.#l?this.#A():f}
          ${!this.#s&&this.#w()?l`<span class="quiet">The settings changed since this run.</span>`:f}
        </div>
        <p class="status" role="status">${this.#a}</p>
        ${this.#i!==null?l`<p class="problem" role="alert">${this.#i}${n?" The figure is that of the run before.":""}</p>`:f}
      </div>
      ${n?this.#T(e,this.#e):f}`}#A(){let e=this.#o,n=e&&e.total>0?e.done/e.total:null;return l`<span class="waiting">
      <progress aria-label="Progress" max="1" value=${n??f}></progress>
      <span role="status">${e?`${e.step}${e.total>0?`: ${e.done} of ${e.total}`:""}`:`Computing: ${this.heading}`}</span>
      <button type="button" data-act="cancel" @click=${()=>this.cancel()}>Cancel</button>
    </span>`}#T(e,n){let s=this.#d?null:this.pin(e,n),i=s!==null&&v.pins.some(o=>o.panel===this.name&&o.title===s.title&&JSON.stringify(o.ask)===JSON.stringify(n));return l`<div class="see stage" aria-busy=${this.#s?"true":"false"}>
        ${this.#d?l`<p class="beforehand">Computed beforehand for ${this.describe(n)}; the live result replaces it.</p>`:f}
        <div class="runs ${this.#t?"two":""}">
          <div class="now">
            ${this.#t?l`<p class="caption"><strong>Now</strong> ${this.describe(n)}</p>`:f}
            ${this.see(e,"now")}
          </div>
          ${this.#t?l`<div class="kept">
                <p class="caption">
                  <strong>Kept</strong> ${this.describe(this.#t.ask)}
                  <button type="button" class="link" data-act="unkeep" @click=${()=>this.#E()}>Remove</button>
                </p>
                ${this.see(this.#t.answer,"beside")}
              </div>`:f}
        </div>
      </div>
      <div class="gap stage">
        <p id="${this.name}-question" class="question">${this.question(e)}</p>
        ${this.#h?l`${this.#u?l`<p class="your-line"><span class="quiet">You:</span> ${this.#u}</p>`:f}`:l`<form
              class="gap-form"
              @submit=${o=>{o.preventDefault(),this.#k(!0)}}
            >
              <input
                type="text"
                autocomplete="off"
                aria-labelledby="${this.name}-question"
                placeholder="One line, in your words"
                .value=${this.#u}
                @input=${o=>{this.#u=o.target.value,this.#b()}}
              />
              <button type="submit" data-act="answer">Compare</button>
              <button type="button" class="link" data-act="skip" @click=${()=>this.#k(!1)}>Skip</button>
            </form>`}
      </div>
      ${this.#h?l`<div class="explain stage">${this.explain(e)}</div>`:f}
      ${this.#S(e,n,s,i)}`}#S(e,n,s,i){let o=this.cli(n),a=this.#c==="python"?this.python(n):this.#c==="cli"?o:null,c=(u,p)=>l`<button
        type="button"
        data-act=${u}
        aria-expanded=${this.#c===u?"true":"false"}
        @click=${()=>{this.#c=this.#c===u?null:u,this.requestUpdate()}}
      >
        ${p}
      </button>`;return l`<footer class="panel-foot">
        ${c("python","As Python")} ${o===null?f:c("cli","As CLI")}
        <span class="spring"></span>
        <button
          type="button"
          data-act="keep"
          @click=${()=>{this.#t={ask:n,answer:e},this.beside=e,this.act("kept")}}
        >
          Keep beside
        </button>
        ${s===null?f:l`<button
              type="button"
              data-act="pin"
              ?disabled=${i}
              @click=${()=>{v.add({...s,panel:this.name,computation:this.computation,ask:n}),this.#a=`Pinned: ${s.title}.`,this.act("pinned")}}
            >
              ${i?"Pinned":"Pin"}
            </button>`}
      </footer>
      ${a===null?f:l`<div class="code">
            <pre tabindex="0" aria-label=${this.#c==="python"?"As Python":"As CLI"}><code>${a}</code></pre>
            <button type="button" data-act="copy" @click=${u=>{this.#R(a,u)}}>Copy</button>
          </div>`}`}#k(e){if(e&&this.#u.trim()===""){this.#a="Write a line first, or press Skip.",this.requestUpdate();return}this.#h=!0,this.#b(),this.act(e?"answered":"skipped"),this.requestUpdate()}#E(){this.#t=null,this.beside=null}async#R(e,n){let s=n.currentTarget;try{await navigator.clipboard.writeText(e),this.#a="Copied."}catch{let i=s.parentElement.querySelector("code");getSelection()?.selectAllChildren(i),this.#a="Selected: press Ctrl-C, or Command-C, to copy."}this.requestUpdate()}#_(){let e=this.querySelector(":scope > dialog"),n=this.querySelector(":scope .panel-body");if(e.open){e.close();return}e.append(n),e.showModal(),n.querySelector("[data-act=enlarge]")?.focus(),this.act("enlarged")}#q(){let e=this.querySelector(":scope > dialog > .panel-body");e&&(this.querySelector(":scope > .slot").append(e),e.querySelector("[data-act=enlarge]")?.focus())}};var E=class extends Q{render(){let r=`section-${this.number}`;return l`<section id=${r} aria-labelledby="${r}-heading">
      <h2 id="${r}-heading"><span class="number">${this.number}</span> ${this.heading}</h2>
      ${this.body()}
    </section>`}};var Yn=class extends I{constructor(){super(...arguments);this.name="";this.steps=[];this.at=0;this.#e=null}static{this.properties={name:{},steps:{attribute:!1},at:{state:!0}}}#e;createRenderRoot(){return this}connectedCallback(){super.connectedCallback(),this.#e=B.subscribe(e=>{e===this.steps[this.at]?.until&&(this.at+=1)})}disconnectedCallback(){super.disconnectedCallback(),this.#e?.()}render(){let{steps:e,at:n}=this,s=n>=e.length;return l`<aside class="tour" aria-label="Tour: ${this.name}">
      <p class="tour-head">
        <strong>${this.name}</strong>
        <span class="quiet">${s?"done":`step ${n+1} of ${e.length}`}</span>
        ${n>0?l`<button type="button" class="link" @click=${()=>this.at=0}>Start over</button>`:f}
      </p>
      <ol>
        ${e.map((i,o)=>o>n?f:l`<li class=${o<n?"done":"now"} aria-current=${o===n?"step":f}>
                ${o<n?l`<span class="tick" aria-label="done">✓</span> `:f}${i.say}
              </li>`)}
      </ol>
      <p class="quiet" role="status">${s?"That was the tour.":"It goes on once you have done this."}</p>
    </aside>`}};customElements.define("rung-tour",Yn);var G=(t,r)=>l`<rung-tour .name=${t} .steps=${r}></rung-tour>`;var Qn=class extends E{constructor(){super(...arguments);this.number=1;this.heading="What this is"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-01",Qn);var Xn=class extends E{constructor(){super(...arguments);this.number=2;this.heading="Concrete access"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-02",Xn);var Zn=class extends E{constructor(){super(...arguments);this.number=3;this.heading="Direct path, attention path"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-03",Zn);var er=class extends E{constructor(){super(...arguments);this.number=4;this.heading="The residual stream"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-04",er);var tr=class extends E{constructor(){super(...arguments);this.number=5;this.heading="Skip-trigrams"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-05",tr);var Y=()=>_.number("length",20),ee=()=>_.number("seed",0),j=t=>t.low===null||t.high===null?{}:{low:t.low,high:t.high},Mi=t=>r=>{let e=r.target;e.value!==""&&e.reportValidity()&&_.set({[t]:e.value})},De=()=>l`<label
    >Tokens in a copy <input type="range" min="4" max="60" .value=${String(Y())} @change=${Mi("length")} />
    <output>${Y()}</output></label
  >
  <label>Seed <input type="number" min="0" max="999999" .value=${String(ee())} @change=${Mi("seed")} /></label>`,re=(t,r,e,n)=>l`<div class="choices" role="group" aria-label=${t}>
  ${r.map(([s,i])=>l`<button type="button" data-choice=${s} aria-pressed=${e===s?"true":"false"} @click=${()=>n(s)}>
        ${i}
      </button>`)}
</div>`,Te=(t,r,e,n,s=.1)=>l`<label
  >${t}
  <input
    type="range"
    min="0"
    max=${r}
    step=${s}
    .value=${String(e??0)}
    @change=${i=>n(Number(i.target.value))}
  />
  <output>${e===void 0?"?":String(e)}</output></label
>`;var it=(t,r)=>r<t.second?"first copy":"second copy";var nr=class extends q{constructor(){super(...arguments);this.name="s06-board";this.heading="The board: one random text, twice";this.computation="board.loss";this.#e={key:"",found:null}}#e;ask(){return{model:J(),length:Y(),seed:ee(),sequences:16}}willUpdate(){let e={model:J(),length:Y(),seed:ee()},n=JSON.stringify(e);this.#e.key!==n&&(this.#e={key:n,found:null},F("board.guess",e,{panel:"s06-guess"}).then(s=>{this.#e.key===n&&(this.#e={key:n,found:s},this.requestUpdate())},()=>{}))}#t(){return this.prediction??{}}predict(){let e=this.#t(),n=s=>this.setPrediction({...e,...s});return l`${this.#n(e,n)}
      <p>Then the loss of each copy, in nats. What do you expect?</p>
      <div class="controls">
        ${Te("First copy",12,e.first,s=>n({first:s}))}
        ${Te("Second copy",12,e.second,s=>n({second:s}))}
      </div>`}#n(e,n){let s=this.#e.found;if(!s)return l`<p class="quiet">Drawing a sequence…</p>`;let{sequence:i,query:o,answer:a}=s,c=[...i.texts.slice(0,o+1),"?"],u=e.guess!==void 0&&e.guess<=o?e.guess:null,p=u!==null&&i.texts[u]===i.texts[a];return l`<p>Play <strong>?</strong> first: which token comes next? Choose it where it stands already.</p>
      <rung-tokens
        label="The sequence so far"
        .tokens=${c}
        .selected=${u}
        .marks=${[{index:i.second,label:"second copy"},{index:o+1,label:"you"}]}
        @pick=${h=>h.detail.index<=o&&n({guess:h.detail.index})}
      ></rung-tokens>
      ${u===null?f:l`<p class="your-guess" role="status">
            ${$e(i.texts[u])} is <strong>${p?"right":"wrong"}</strong>${p?"":l`: it is ${$e(i.texts[a])}`}.
            Guessing blindly is right once in ${s.vocabulary} times; knowing which ${i.period} tokens there are, once in
            ${i.period}; finding the earlier ${$e(i.texts[o])} and reading on, every time.
          </p>`}`}controls(){return De()}see(e,n){let s=n==="now"?this.#t():{},{sequence:i}=e,o=L.from(e.by_position),a=this.#e.found?.query;return l`<rung-bars
        layout="columns"
        label="Loss of each token, mean over ${e.n} sequences"
        unit="nats"
        .tokens=${!0}
        .items=${Array.from(o.data,(c,u)=>({label:i.texts[u+1],value:c,group:it(i,u+1),key:u+1===i.second?"s06:turn":`pos:${u+1}`}))}
        .rules=${[{at:e.ln_vocabulary,label:"ln V"},{at:e.ln_period,label:"ln n"}]}
      ></rung-bars>
      <rung-bars
        label="Mean loss of both copies"
        unit="nats"
        .items=${[{label:"first copy",value:e.first.value,...j(e.first),predicted:s.first},{label:"second copy",value:e.second.value,...j(e.second),predicted:s.second}]}
      ></rung-bars>
      <p class="facts">
        Gain <strong data-number="gain">${H(e.gain.value)}</strong>; the second copy’s tokens are right
        <strong data-number="accuracy">${K(e.accuracy)}</strong> of the time.
        ${n==="now"&&a!==void 0&&a<o.shape[0]?l`At your <strong>?</strong> the model gave the right token
              <strong data-number="yours">${K(Math.exp(-L.from(e.example).at(a)))}</strong>.`:f}
      </p>`}question(e){return`${H(e.first.value)} on the first copy, ${H(e.second.value)} on the second: what did the model have to find, and what did it not have to know?`}explain(e){let n=e.first.value-e.ln_vocabulary;return l`<p>
        <strong>A first reading, and why it fails:</strong> “the model has got used to these tokens.” Knowing which tokens
        are left, but not their order, cannot get below ${M("s06:order","ln n")} for long. The order itself was read off.
      </p>
      <p>
        Memorised pairs cannot help: these pairs occur in no text. So the first copy costs about ln V =
        ${H(e.ln_vocabulary)}${n>.5?l`; here it is ${H(n)} more, for the model expects text and is confidently wrong`:""}.
      </p>
      <p>
        ${M("s06:turn","The second copy’s first token")} stays expensive. Nothing says that a repeat begins: only the
        tokens after it can be read off.
      </p>
      <p>This is rung 0, behaviour: there is something to explain. It says nothing of how the model does it.</p>`}python(e){return`from rung import HookedTransformer
from rung.methods.behaviour import loss_by_position
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("${e.model}")
task = repeated_tokens(model, period=${e.length}, sequences=${e.sequences}, seed=${e.seed})
board = loss_by_position(model, task)
board.first_copy_loss, board.second_copy_loss`}cli(e){return`rung board ${e.model} --period ${e.length} --sequences ${e.sequences} --seed ${e.seed}`}pin(e){let{gain:n}=e;return{test:"behaviour.gain",title:"Loss falls on the second copy",rung:0,value:n.value,unit:"nats",n:n.n,...j(n),floor:e.floor,holds:n.low!==null&&n.low>=e.floor,subject:"the model"}}};customElements.define("rung-s06-board",nr);function We(t,r){let e=t.at(-1)?.[r]??[],n=[0,0];return e.forEach((s,i)=>s.forEach((o,a)=>o>(e[n[0]]?.[n[1]]??-1)&&(n=[i,a]))),n}var ga=t=>t.filter((r,e)=>e>0&&r.stage!==t[e-1].stage).map(r=>t[t.indexOf(r)-1].step);function Ti(t,r,e,n=null){let[s,i]=[We(t,"previous_token"),We(t,"induction")],o=u=>t.map(p=>[p.step,u(p)]),a=Math.max(...t.map(u=>Math.max(u.first,u.second)),1),c=u=>n===null?[]:[{label:`you: step ${n}`,points:[[n,0],[n,u]],predicted:!0}];return l`<rung-lines
      label="Loss during training"
      x="step"
      y="nats"
      height="200"
      .xDomain=${[0,r]}
      .cursor=${e}
      .series=${[{label:"first copy",points:o(u=>u.first),dashed:!0},{label:"second copy",points:o(u=>u.second)},...c(a)]}
    ></rung-lines>
    <rung-lines
      label="Head scores during training"
      x="step"
      y="attention"
      height="180"
      .domain=${[0,1]}
      .xDomain=${[0,r]}
      .cursor=${e}
      .series=${[{label:`${s.join(".")} previous token`,points:o(u=>u.previous_token[s[0]][s[1]]),role:"route"},{label:`${i.join(".")} induction`,points:o(u=>u.induction[i[0]][i[1]]),role:"match"},...c(1)]}
    ></rung-lines>`}var rr=class extends q{constructor(){super(...arguments);this.name="s06-phase";this.heading="The phase change";this.computation="training.checkpoint";this.#e=null}#e;connectedCallback(){super.connectedCallback(),F("training.curve",{},{panel:"s06-shipped"}).then(e=>{this.#e=e.kept,this.requestUpdate()},()=>{})}#t(){return this.#e?.checkpoints??[this.number("step",500)]}ask(){return{step:this.number("step",500),length:Math.min(Y(),31),draw:ee()}}predict(){let e=this.prediction;return l`<p>
        The tiny model was kept at a dozen steps of its training. At which step, do you think, does the second copy’s loss fall?
      </p>
      <div class="controls">${Te("Step",this.#e?.steps??2500,e??void 0,n=>this.setPrediction(n),25)}</div>`}controls(){let e=this.#t(),n=Math.max(0,e.indexOf(this.ask().step));return l`<label
      >Checkpoint
      <input
        type="range"
        min="0"
        max=${e.length-1}
        aria-valuetext="step ${e[n]}"
        .value=${String(n)}
        @input=${s=>{this.put({step:e[Number(s.target.value)]}),this.act("moved")}}
      />
      <output>step ${e[n]}</output></label
    >`}see(e,n){let{points:s,steps:i}=e.kept,o=L.from(e.patterns),[a,c]=[We(s,"previous_token"),We(s,"induction")].map(d=>e.heads.indexOf(d.join("."))),{texts:u,period:p}=e.sequence,h=(d,y,m,g,x)=>l`<div>
        <p class="caption">${M(`head:${e.heads[d]}`,e.heads[d])} ${g}: <strong>${w(x)}</strong></p>
        <rung-heatmap
          label="Attention of ${e.heads[d]} at step ${e.step}"
          .grid=${o.slice(d)}
          .rows=${u}
          .cols=${u}
          rowName="query"
          colName="key"
          .causal=${!0}
          .size=${260}
          .guides=${[{kind:"diagonal",offset:y,label:g,role:m}]}
        ></rung-heatmap>
      </div>`;return l`${n==="now"?Ti(s,i,e.step,this.prediction):f}
      <p class="facts">
        Step <strong>${e.step}</strong>: first copy <strong data-number="first">${H(e.first)}</strong>, second copy
        <strong data-number="second">${H(e.second)}</strong>, in-context score
        <strong data-number="in-context">${D(e.in_context)}</strong> (second − first).
      </p>
      <rung-bars
        layout="columns"
        label="Loss of each token at step ${e.step}"
        unit="nats"
        .tokens=${!0}
        .domain=${[0,10]}
        .items=${Array.from(L.from(e.by_position).data,(d,y)=>({label:u[y+1],value:d,group:it(e.sequence,y+1)}))}
        .rules=${[{at:e.ln_vocabulary,label:"ln V"}]}
      ></rung-bars>
      <div class="pair">
        ${h(a,-1,"route","previous token",e.previous_token[a])}
        ${h(c,1-p,"match","induction",e.induction[c])}
      </div>`}question(){return"Which came first: the falling loss, the previous-token score, or the induction score? Did you expect that order?"}explain(e){let{points:n,stages:s}=e.kept,[i,o]=[We(n,"previous_token"),We(n,"induction")],a=n.find(u=>u.induction[o[0]][o[1]]>=.5),c=a?.previous_token[i[0]][i[1]]??NaN;return l`<p>
        You may have expected ${Qe("route")}, then ${_e("match")}, then loss. The scores do not wait for one another: when ${o.join(".")} reaches one half, at
        step ${a?.step}, ${i.join(".")} looks one back with ${w(c)} of its attention. The second copy’s loss is halved at step
        ${n.find(u=>u.second<=u.first/2)?.step}. A blurred route already tells a match where to look; both then sharpen. Whether one causes the other no
        curve can say: the verdicts below can.
      </p>
      <p>
        Do not read more out of the sharp fall than is there. This recipe is a curriculum of ${s} stages; the next ones began at steps
        ${ga(n).join(" and ")}. And a score that rises with the loss is still a clue, not a cause.
      </p>`}python(e){return`from rung import HookedTransformer
from rung.methods.behaviour import loss_by_position
from rung.methods.patterns import head_scores
from rung.tasks.builtin import repeated_tokens
from rung.training import checkpoints

folder = checkpoints("two-layer-tiny")[${e.step}]
model = HookedTransformer.from_pretrained(str(folder))
task = repeated_tokens(model, period=${e.length}, sequences=16, seed=${e.draw})
loss_by_position(model, task).second_copy_loss, head_scores(model, task)["induction"]`}cli(){return"rung models two-layer-tiny"}};customElements.define("rung-s06-phase",rr);var sr=class extends q{constructor(){super(...arguments);this.name="s06-train";this.heading="Train it here";this.computation="training.train";this.live=!1;this.#e=null;this.#t=!1}#e;#t;ask(){return{seed:this.number("seed",0),take:this.number("take",0)}}connectedCallback(){super.connectedCallback(),this.#n()}async#n(){let e=this.ask();try{let n=await F("training.curve",e,{panel:"s06-train-curve"});JSON.stringify(e)===JSON.stringify(this.ask())&&(this.#e=n)}catch{}this.requestUpdate()}async runNow(){if(this.#t)return;this.#t=!0;let e=window.setInterval(()=>{this.#n()},700);try{await super.runNow()}finally{window.clearInterval(e),this.#t=!1,await this.#n(),!this.#e?.kept.finished&&this.#e?.kept.points.length&&this.act("stopped")}}predict(){let e=this.#e?.shipped_seconds??[];return l`<p>
        The same model from random weights, on your machine: 102,400 weights, the recipe of the one that is shipped. When will the second copy’s
        loss fall this time, with another seed?
      </p>
      ${e.length?l`<p class="quiet">
            With three seeds its ${this.#e.kept.steps} steps took ${e.map(n=>`${n} s`).join(", ")} on one thread where the shipped model
            was made (its card says so). The page says below how fast yours is.
          </p>`:f}
      <div class="controls">
        ${Te("Step",this.#e?.kept.steps??2500,this.prediction??void 0,n=>this.setPrediction(n),25)}
      </div>`}controls(){let e=this.#e?.kept,n=e?.points.at(-1),s=n&&n.seconds>0?n.step/n.seconds:null;return l`<label
        >Seed
        <input
          type="number"
          min="0"
          max="999999"
          ?disabled=${this.#t}
          .value=${String(this.ask().seed)}
          @change=${i=>{this.put({seed:i.target.value,take:null}),this.#n()}}
      /></label>
      ${n&&!this.#t?l`<button
            type="button"
            data-act="afresh"
            @click=${()=>{this.put({take:(this.ask().take+1)%9}),this.#e=null,this.#n()}}
          >
            Begin again
          </button>`:f}
      ${n&&e?l`<div class="wide">
            ${Ti(e.points,e.steps,null,this.prediction)}
            <p class="facts" data-step=${n.step}>
              Step <strong>${n.step}</strong> of ${e.steps}, stage ${n.stage+1} of ${e.stages}; second copy ${H(n.second)}.
              ${s===null||e.finished?f:l`${w(s,0)} steps a second: about ${w((e.steps-n.step)/s,0)} s to go.`}
              ${e.finished?l`Done: ${w(n.seconds,0)} s of training on this machine.`:this.#t?f:l`Stopped. <strong>Run</strong> goes on from here.`}
            </p>
          </div>`:f}`}see(e){let n=e.kept.points.at(-1);return l`<p class="facts">
      Trained: second copy <strong data-number="second">${H(n.second)}</strong> after ${e.kept.steps} steps in ${w(n.seconds,0)} s.
      ${e.kept.checkpoints.length} steps were kept: each can be proved below.
    </p>`}question(){return"Your run has another seed. What stayed the same about the order of events, and what moved?"}explain(){return l`<p>
      The recipe makes one head of each layer learn faster, so the roles fall to the same heads from every seed; no connection is set. The weights
      are others: what you may say of one run, you may say of another only after proving it there.
    </p>`}python(e){return`from pathlib import Path
from rung.training import RECIPES, train

train(RECIPES["two-layer-tiny"], Path("my-tiny"), seed=${e.seed}, progress=print)`}cli(e){return`rung train two-layer-tiny --out my-tiny --seed ${e.seed}`}};customElements.define("rung-s06-train",sr);var Ai=[0,300,400,450,500,550,600,700,1e3,2500],ba=["behaviour","clue","contribution","causal support","mechanism"],ir=class extends q{constructor(){super(...arguments);this.name="s06-rungs";this.heading="When each rung turns on";this.computation="training.rungs";this.live=!1;this.#e=null}#e;#t(){return this.value("of","shipped")==="here"}ask(){let e=this.value("step");if(!this.#t())return{steps:e?[Number(e)]:Ai,seed:null,take:0};let n={seed:_.number("s06-train.seed",0),take:_.number("s06-train.take",0)};return e?{steps:[Number(e)],...n}:this.#e===null?"Nothing was trained here yet: train it above, and stop where you like.":{steps:Ai.concat(this.#e.slice(-1)).filter((s,i,o)=>this.#e.includes(s)&&o.indexOf(s)===i),...n}}async runNow(){if(this.#t()){let e={seed:_.number("s06-train.seed",0),take:_.number("s06-train.take",0)},{kept:n}=await F("training.curve",e,{panel:"s06-rungs-kept"});this.#e=n.checkpoints.length?n.checkpoints:null}await super.runNow()}predict(){return l`<p>The claim: an earlier head ${Qe("routes")}, a later one ${_e("matches")} and ${ls("copies")}. Which rung will the shipped run’s step 700 reach?</p>
      ${re("Rung at step 700",ba.map(e=>[e,e]),this.prediction,e=>this.setPrediction(e))}`}controls(){return l`${re("Which run",[["shipped","the shipped run"],["here","the run trained here"]],this.#t()?"here":"shipped",e=>this.put({of:e}))}
      <label
        >One step alone
        <input
          type="number"
          min="0"
          step="25"
          placeholder="a dozen"
          .value=${this.value("step")}
          @change=${e=>this.put({step:e.target.value||null})}
      /></label>`}see(e){let n=e.reached.find(s=>s.step===700);return l`<rung-lines
        label="The rung that the claim reaches at each step"
        x="step"
        y="rung"
        height="190"
        .domain=${[-1,4]}
        .series=${[{label:"verdict",points:e.reached.map(s=>[s.step,s.rung])}]}
      ></rung-lines>
      <table class="plain">
        <thead>
          <tr><th scope="col">Step</th><th scope="col">Verdict</th><th scope="col">Stopped by</th><th scope="col">In words</th></tr>
        </thead>
        <tbody>
          ${e.reached.map(s=>l`<tr data-step=${s.step}>
              <th scope="row">${s.step}</th>
              <td><strong>${s.name}</strong></td>
              <td>${s.stopped_by?.join(", ")??"nothing"}</td>
              <td>${s.sentence}</td>
            </tr>`)}
        </tbody>
      </table>
      ${n&&this.prediction?l`<p class="facts">You said ${String(this.prediction)} at step 700; it is <strong>${n.name}</strong>.</p>`:f}`}question(){return"At some step the stripe is there and the verdict is not yet mechanism. What is still missing in the weights?"}explain(e){let n=e.reached.find(s=>s.rung>=1&&s.rung<4);return l`<p>
        A curve of scores would have stopped at the clue. The same claim, tested at each step on sequences that nobody picked, shows the rungs turn on one after another.
      </p>
      ${n?l`<p>
            At step ${n.step} the verdict is ${n.name}; ${n.stopped_by?l`<code>${n.stopped_by.join(" ")}</code> stopped it.`:""} The scores of that step alone would not have told you so.
          </p>`:f}`}python(e){return`from rung import HookedTransformer, prove
from rung.training import checkpoints

for step in ${JSON.stringify(e.steps).replace(/,/g,", ")}:
    folder = checkpoints(${e.seed===null?'"two-layer-tiny"':'"my-tiny"'})[step]
    proof = prove("induction", HookedTransformer.from_pretrained(str(folder)))
    print(step, proof.verdict.name)`}cli(e){return`rung prove induction --model ${e.seed===null?"src/rung/model/bundled/two-layer-tiny":"my-tiny"}/checkpoints/step-${String(e.steps.at(-1)).padStart(5,"0")}`}pin(e){let n=e.reached.at(-1);return!n||n.rung<0?null:{title:`${n.name} at step ${n.step}`,rung:n.rung,value:n.step,unit:"training steps"}}};customElements.define("rung-s06-rungs",ir);var or=class extends E{constructor(){super(...arguments);this.number=6;this.heading="The board"}body(){return l`<p>
        You need a test that no memory can pass. Draw tokens at random, put BOS before them, and write the same tokens down once more:
        <code>A B … A ? → B</code>.
      </p>
      <p>
        No pair of these tokens was ever in a text, so the ${M("s06:direct","direct path")} knows nothing. Whoever predicts the second copy must
        have looked back at ${M("s06:first","the first")}.
      </p>
      ${G("The board",[{say:l`Guess the token at <strong>?</strong> in the first panel.`,until:"s06-board:predicted"},{say:l`Run it, and find ${M("s06:turn","the one bar of the second copy that stays high")}.`,until:"s06-board:ran"},{say:l`Run the phase change, and press <em>Keep beside</em>.`,until:"s06-phase:kept"},{say:l`Move the slider to a later step, and compare the two.`,until:"s06-phase:moved"},{say:l`Prove the kept steps in the last panel.`,until:"s06-rungs:ran"}])}
      <rung-s06-board></rung-s06-board>
      <p>
        Nobody told this model to look back. It came to do so during training, and within a few hundred steps. Move along them, and watch what
        turns on.
      </p>
      <rung-s06-phase></rung-s06-phase>
      <p>That was a run that somebody else made. Make one yourself: stop it anywhere, go on later, and prove it at any step.</p>
      <rung-s06-train></rung-s06-train>
      <rung-s06-rungs></rung-s06-rungs>`}};customElements.define("rung-section-06",or);var Vt=t=>t.replace(/_/g," "),Si={previous_token:"route",previous:"route",induction:"match"},ya={induction:"after the earlier match",previous:"one back",duplicate:"the earlier match itself",self:"itself (parking)",bos:"BOS (parking)",elsewhere:"elsewhere"},$a=[["same","at the earlier A itself"],["after","at the token after the earlier A"],["before","at the token just before the query"],["bos","at BOS"]],ar=class extends q{constructor(){super(...arguments);this.name="s07-heads";this.heading="All heads, sorted";this.computation="signatures.heads"}ask(){return{model:J(),length:Y(),seed:ee(),sequences:16}}predict(){return l`<p>
        In <code>A B … A</code> the second A has to call for B. Where does an ${_e("induction")} head look from there? Your line is drawn on the map.
      </p>
      ${re("Where an induction head looks",$a,this.prediction,e=>this.setPrediction(e))}`}controls(){return l`${De()}
      <label
        ><input
          type="checkbox"
          .checked=${this.value("weighted")==="1"}
          @change=${e=>{this.put({weighted:e.target.checked?"1":null}),this.act("weighted")}}
        />
        weight by value written</label
      >`}#e(e){let n=L.from(e.patterns),s=e.heads.map((a,c)=>n.slice(c));if(this.value("weighted")!=="1")return{grids:s,most:1};let i=L.from(e.written),o=s.map((a,c)=>new L(a.shape,a.data.map((u,p)=>u*i.at(c,p%a.shape[1]))));return{grids:o,most:Math.max(...o.map(a=>a.max()),1e-9)}}#t(e){let n=this.value("head");return Math.max(0,e.heads.findIndex(s=>s.head===(n||e.heads.find(i=>i.signature==="induction")?.head)))}see(e,n){let{texts:s,period:i,second:o}=e.sequence,{grids:a,most:c}=this.#e(e),u=c!==1,p=this.#t(e),h=e.heads[p],d={same:-i,after:1-i,before:-1}[String(this.prediction)],y=[{kind:"diagonal",offset:-1,label:"previous token: one below the diagonal",role:"route"},{kind:"diagonal",offset:1-i,label:"induction: after the earlier match",role:"match"},{kind:"row",offset:o,label:"the second copy begins"}];return n==="now"&&d!==void 0&&y.push({kind:"diagonal",offset:d,label:"your line"}),n==="now"&&this.prediction==="bos"&&y.push({kind:"column",offset:0,label:"your line"}),l`<rung-thumbs
        label="Heads, the highest signature first"
        .grids=${u?a.map(m=>new L(m.shape,m.data.map(g=>g/c))):a}
        .labels=${e.heads.map(m=>m.head)}
        .keys=${e.heads.map(m=>`head:${m.head}`)}
        .scores=${e.heads.map(m=>l`<span class="role ${Si[m.label]??""}">${Vt(m.label)}</span> ${w(m.score)} / floor ${w(m.floor)}`)}
        .selected=${p}
        @pick=${m=>{let g=e.heads[m.detail.index].head;this.put({head:g}),k.set(`head:${g}`),this.act("picked")}}
      ></rung-thumbs>
      <p class="facts">
        ${M(`head:${h.head}`,h.head)}: <strong data-number="label">${Vt(h.label)}</strong>. ${h.label==="none fits"?"Nearest":""} ${Vt(h.signature)} score
        <strong data-number="score">${w(h.score)}</strong>${h.estimate.low===null||h.estimate.high===null?"":` ${qe(h.estimate.low,h.estimate.high)}`},
        floor <strong data-number="floor">${w(h.floor)}</strong>${h.control===null?f:l`, on text without a repeat ${w(h.control)}`}.
      </p>
      <rung-heatmap
        label="${u?"What each key adds, in length":"Attention"} of head ${h.head}"
        .grid=${a[p]}
        .rows=${s}
        .cols=${s}
        rowName="query"
        colName="key"
        .causal=${!0}
        .domain=${[0,c]}
        .guides=${y}
        .focusKey=${(m,g)=>`pos:${g}`}
        @cell=${m=>{let{row:g,col:x}=m.detail;g>=o&&x===g-i+1&&this.act("found-stripe")}}
      ></rung-heatmap>
      <rung-bars
        label="Where ${h.head} looks from the second copy"
        unit="share of its attention"
        .domain=${[0,1]}
        .items=${Object.entries(h.split).map(([m,g])=>({label:ya[m]??m,value:g,role:Si[m],key:`s07:${m}`}))}
      ></rung-bars>`}question(){return"Where does the stripe lie, and why not one further left?"}explain(e){let{period:n}=e.sequence,s=e.heads.filter(o=>o.split.bos+o.split.self>=.3),i=e.heads.filter(o=>o.label==="none fits").length;return l`<p>
        The stripe lies ${n-1} below the diagonal, not ${n}. A head that looked at the earlier A would find A; B is what has to be carried, and B stands ${M("s07:induction","one later")}.
        Looking at the same token is a ${M("s07:duplicate","duplicate-token")} signature: another job.
      </p>
      <p>
        <strong>BOS and itself are parking spots, not meaning.</strong> Attention sums to 1, so a head with nothing to do must look somewhere.
        ${s.length?l`Here ${s.map(o=>o.head).join(", ")} ${s.length>1?"leave":"leaves"} 30 % or more there.`:""} It does not erase a signature either: a head may park
        on most queries and do its job on the others. Weight by value to see how little a parked look may move.
      </p>
      <p>
        A label is a score over its floor: 0.30, and three times what the head scores where nothing repeats. ${i} of ${e.heads.length} heads get
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
weighted_patterns(model, task.tokens[:1]).weighted  # [batch, layer, head, query, key]`}cli(e){return`rung heads ${e.model} --period ${e.length} --sequences ${e.sequences} --seed ${e.seed}`}pin(e){let n=e.heads[this.#t(e)];return{test:"clue.signature",title:`${n.head}: ${Vt(n.signature)} score`,rung:1,value:n.score,unit:"attention",n:e.n,...j(n.estimate),...n.control===null?{}:{control:n.control},floor:n.floor,holds:n.score>=n.floor,subject:n.head}}};customElements.define("rung-s07-heads",ar);var Gt=()=>_.number("s07-quiz.pair",0),Kt=()=>_.get("s07-quiz.choice"),lr=class extends q{constructor(){super(...arguments);this.name="s07-quiz";this.heading="Which of these two is the decoy?";this.computation="signatures.quiz"}ask(){return{seed:Gt()}}predict(){return l`<p>Two heads of one model, wired by hand. One does induction; the other looks the same and writes nothing. Will the maps tell you which?</p>
      ${re("Will the maps tell?",[["yes","Yes"],["no","No"]],this.prediction,e=>this.setPrediction(e))}`}controls(){return l`<label
      >Pair
      <input
        type="number"
        min="0"
        max="999"
        .value=${String(Gt())}
        @change=${e=>this.put({pair:e.target.value,choice:null})}
    /></label>`}see(e){let n=L.from(e.patterns),{texts:s,period:i}=e.sequence;return l`<div class="pair">
        ${["A","B"].map((o,a)=>l`<div>
            <p class="caption"><strong>${o}</strong>: induction score ${w(e.induction[a],3)}, on text without a repeat ${w(e.control[a],3)}</p>
            <rung-heatmap
              label="Attention of head ${o}"
              .grid=${n.slice(a)}
              .rows=${s}
              .cols=${s}
              rowName="query"
              colName="key"
              .causal=${!0}
              .size=${260}
              .guides=${[{kind:"diagonal",offset:1-i,label:"after the earlier match",role:"match"}]}
            ></rung-heatmap>
          </div>`)}
      </div>
      ${re("The decoy",[["A","A is the decoy"],["B","B is the decoy"]],Kt(),o=>{this.put({choice:o}),this.act("chose")})}
      ${Kt()?l`<p class="facts" role="status">You said ${Kt()}. Section 9 has the tool that tells; your answer waits there.</p>`:f}`}question(){return"What on these maps made you choose, and how sure are you?"}explain(){return l`<p>
      Nothing here can tell. A pattern is made by Q and K; what is written is made by V and O, and the map shows none of it. Two sections on,
      <a href="#decoy-answer">attribution</a> asks what each head adds to the right token.
    </p>`}python(e){return`from rung.methods.patterns import head_scores
from rung.planted.models import plant
from rung.tasks.builtin import repeated_tokens

planted = plant("passenger", ${e.seed})
head_scores(planted.model, repeated_tokens(planted.model, period=12, sequences=16, seed=${e.seed}))["induction"]`}cli(){return null}};customElements.define("rung-s07-quiz",lr);var ur=class extends I{constructor(){super(...arguments);this.found=null;this.problem="";this.#e=null}static{this.properties={found:{state:!0},problem:{state:!0}}}#e;createRenderRoot(){return this}connectedCallback(){super.connectedCallback(),this.id="decoy-answer",this.classList.add("panel"),this.#e=_.subscribe(()=>this.requestUpdate())}disconnectedCallback(){super.disconnectedCallback(),this.#e?.()}async#t(){let e=Gt();try{let n=await F("signatures.solution",{seed:e},{panel:"decoy-answer"});this.problem="",this.found={pair:e,answer:n},B.tell("s07-quiz:solved")}catch(n){this.problem=n instanceof Error?n.message:String(n)}}render(){let e=this.found?.pair===Gt()?this.found.answer:null,n=Kt();return l`<div class="panel-body">
      <h3>The decoy of section 7</h3>
      <p>${n?l`You said that <strong>${n}</strong> is the decoy.`:l`You have not chosen yet: <a href="#s07-quiz">which of the two?</a>`}</p>
      <div class="run-row">
        <button type="button" class="primary" data-act="reveal" @click=${()=>{this.#t()}}>What does each add to the right token?</button>
      </div>
      ${this.problem?l`<p class="problem" role="alert">${this.problem}</p>`:f}
      ${e?l`<rung-bars
              label="Direct attribution to the right token's logit"
              unit=${e.unit}
              .signed=${!0}
              .items=${[...e.direct.map((s,i)=>({label:"AB"[i],value:s.value,...j(s)})),{label:"all parts",value:e.total.value,...j(e.total)}]}
            ></rung-bars>
            <p class="facts" role="status">
              The decoy is <strong data-number="decoy">${e.decoy}</strong>${n?n===e.decoy?": you were right, but the maps could not have told you.":": the maps misled you, as they were built to.":"."}
              It adds ${D(e.direct["AB".indexOf(e.decoy)].value,3)} of ${D(e.total.value)}.
            </p>`:f}
    </div>`}};customElements.define("rung-decoy-answer",ur);var cr=class extends E{constructor(){super(...arguments);this.number=7;this.heading="Signatures"}body(){return l`<p>Who looked back? Read the attention of every head on the board: a row is a query, a column is where it looks.</p>
      <p>
        Expect two signatures. A ${Qe("previous-token")} head looks ${M("s07:previous","one below the diagonal")}, always. An
        ${_e("induction")} head shows ${M("s07:induction","a stripe")} in the second copy, at the token <em>after</em> the earlier match.
      </p>
      ${G("Reading signatures",[{say:l`Say where the stripe will lie, then run.`,until:"s07-heads:ran"},{say:l`Choose a head among the thumbnails.`,until:"s07-heads:picked"},{say:l`On an induction head’s map, go to a query of the second copy and press <kbd>m</kbd> or click: find the stripe.`,until:"s07-heads:found-stripe"},{say:l`Weight by value written. What fades?`,until:"s07-heads:weighted"},{say:l`Name the decoy.`,until:"s07-quiz:chose"}])}
      <rung-s07-heads></rung-s07-heads>
      <p>Now be careful. Two heads can draw the same map, and only one of them need be of any use.</p>
      <rung-s07-quiz></rung-s07-quiz>`}};customElements.define("rung-section-07",cr);var Ei=[["zero","zero"],["mean","mean"],["resample","resample"],["patch","patch"]],Ri={z:"one head",attn_out:"attention out",mlp_out:"MLP out",resid_pre:"residual before",resid_post:"residual after"},ot=t=>`${t.layer}.${t.site==="z"?t.head:t.site}:${t.put}${t.positions?`@${t.positions.join(",")}`:""}`;function wa(t){let r=/^(\d+)\.(\d+|[a-z_]+):(zero|mean|resample|patch)(?:@(\d+(?:,\d+)*))?$/.exec(t);if(!r)return null;let[,e,n,s,i]=r,o=/^\d+$/.test(n)?Number(n):null;return o===null&&!(n in Ri)?null:{layer:Number(e),site:o===null?n:"z",head:o,put:s,positions:i?i.split(",").map(Number):null}}var pr=class extends q{constructor(){super(...arguments);this.name="s08-edit";this.heading="Cache, hook, measure";this.computation="measure.edit"}#e(){return this.value("moves").split(";").map(wa).filter(e=>e!==null)}ask(){let e=this.value("query");return{model:J(),length:Y(),seed:ee(),sequences:8,moves:this.#e(),query:e?Number(e):null,show:this.value("show")||null}}describe(e){return`${e.model} · ${e.moves.length?e.moves.map(ot).join(" + "):"clean"}`}predict(){return l`<p>You are about to take one head away. By how many nats will the second copy’s loss rise?</p>
      <div class="controls">${Te("Rise",12,this.prediction??void 0,e=>this.setPrediction(e))}</div>`}#t(){let e=this.value("site","z"),n=this.value("at").split(/[\s,]+/).filter(s=>/^\d+$/.test(s)).map(Number);return{layer:this.number("layer",1),site:e,head:e==="z"?this.number("head",0):null,put:this.value("put","mean"),positions:n.length?n:null}}#n(e,n){this.put({moves:e.length?e.map(ot).join(";"):null}),this.act(n),this.runNow()}controls(){let{answer:e}=this,n=this.#e(),s=this.#t(),i=(a,c,u)=>l`<select data-key=${a} @change=${p=>this.put({[a]:p.target.value})}>
        ${c.map(([p,h])=>l`<option value=${p} ?selected=${String(p)===String(u)}>${h}</option>`)}
      </select>`,o=a=>Array.from({length:a},(c,u)=>[u,String(u)]);return l`<ol class="rail">
      <li><strong>Cache</strong> a clean run of <span class="controls">${De()}</span></li>
      <li>
        <strong>Hook</strong>
        <span class="controls">
          <label>Where ${i("site",Object.entries(Ri).filter(([a])=>a!=="mlp_out"||(e?.mlps??!0)),s.site)}</label>
          <label>Layer ${i("layer",o(e?.layers??2),s.layer)}</label>
          ${s.site==="z"?l`<label>Head ${i("head",o(e?.heads??4),s.head??0)}</label>`:f}
          <label>Put ${i("put",Ei,s.put)}</label>
          <label
            >Positions
            <input type="text" inputmode="numeric" size="8" placeholder="all" .value=${this.value("at")} @change=${a=>this.put({at:a.target.value||null})}
          /></label>
          <button type="button" data-act="ablate" @click=${()=>this.#n([...n,this.#t()],"hooked")}>Hook it</button>
          <button type="button" data-act="undo" ?disabled=${!n.length} @click=${()=>this.#n(n.slice(0,-1),"undone")}>Undo</button>
        </span>
        ${n.length?l`<ul class="moves">
              ${n.map((a,c)=>l`<li>
                    <code>${e?.hooks[c]??ot(a)}</code>${a.head===null?"":` head ${a.head}`} ← ${a.put}${a.positions?` at ${a.positions.join(", ")}`:""}
                    <button type="button" class="link" aria-label="Take off ${ot(a)}" @click=${()=>this.#n(n.filter((u,p)=>p!==c),"undone")}>take off</button>
                  </li>`)}
            </ul>`:l`<p class="quiet">Nothing is hooked: both runs are the clean one.</p>`}
      </li>
      <li><strong>Measure</strong> what changed.</li>
    </ol>`}see(e,n){let{clean:s,edited:i,sequence:o,query:a}=e,[c,u]=[L.from(s.by_position).data,L.from(i.by_position).data],p=Math.max(...c,...u,e.ln_vocabulary),h=(m,g)=>l`<p class="caption">${g}</p>
        <rung-bars
          layout="columns"
          label="Loss of each token, ${g}"
          unit="nats"
          .tokens=${!0}
          .domain=${[0,p]}
          .items=${Array.from(m,(x,$)=>({label:o.texts[$+1],value:x,group:it(o,$+1),key:`pos:${$+1}`}))}
          .rules=${[{at:e.ln_vocabulary,label:"ln V"}]}
          @pick=${x=>this.put({query:x.detail.index})}
        ></rung-bars>`,d=(m,g)=>m.pattern===null?f:l`<div>
            <p class="caption">${M(`head:${e.show}`,e.show)} ${g}</p>
            <rung-heatmap
              label="Attention of ${e.show}, ${g}"
              .grid=${L.from(m.pattern)}
              .rows=${o.texts}
              .cols=${o.texts}
              rowName="query"
              colName="key"
              .causal=${!0}
              .size=${260}
              .guides=${[{kind:"diagonal",offset:1-o.period,label:"after the earlier match",role:"match"}]}
            ></rung-heatmap>
          </div>`,y=Array.from({length:e.layers*e.heads},(m,g)=>`${Math.floor(g/e.heads)}.${g%e.heads}`);return l`<rung-bars
        label="Loss of the second copy"
        unit="nats"
        .items=${[{label:"clean",value:s.second.value,...j(s.second)},{label:"hooked",value:i.second.value,...j(i.second),predicted:n==="now"&&typeof this.prediction=="number"?s.second.value+this.prediction:null}]}
      ></rung-bars>
      <p class="facts">
        Change <strong data-number="change">${D(e.change.value)}</strong> nats over ${e.n} sequences. At position ${M(`pos:${a}`,a)} the target is ${$e(e.target)}: logit
        <strong data-number="logit-before">${w(s.logit)}</strong> → <strong data-number="logit-after">${w(i.logit)}</strong> over the mean, probability
        <strong data-number="p-before">${K(s.probability)}</strong> → <strong data-number="p-after">${K(i.probability)}</strong>; the model says ${$e(i.top)}.
      </p>
      ${h(c,"clean")} ${h(u,"hooked")}
      <p class="quiet">Choose a bar to make the token there the target.</p>
      <label
        >Attention of head
        <select data-key="show" @change=${m=>this.put({show:m.target.value})}>
          ${y.map(m=>l`<option value=${m} ?selected=${m===e.show}>${m}</option>`)}
        </select></label
      >
      <div class="pair">${d(s,"clean")} ${d(i,"hooked")}</div>`}question(e){return e.moves.length?"What changed where you hooked, and what changed later although you did not touch it?":"This is the clean run. Which head would you take away first, and what would show that you were right?"}explain(e){return l`<p>
        <strong>Cache before you hook:</strong> without the clean number there is nothing to compare with, and without its attention you could not see that
        ${M("head:1.0","a later head")} lost its stripe because ${M("head:0.0","an earlier one")} fell silent.
      </p>
      <p>
        ${e.change.value>=1?"The loss rose a great deal: on this task the model relies on what you took. That is causal support, not yet an account of what it is used for.":"The loss hardly moved. That does not say that the place is idle: another may do the same work. The last panel shows it."}
      </p>
      <table class="plain">
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
      </table>`}python(e){let n={zero:"Zero()",mean:"Mean(others)",resample:"Resample(others, seed=task.seed)",patch:"Patch(unrepeated_tokens(model, task).tokens)"},s=i=>`    Intervention(("${i.site}", ${i.layer}), ${n[i.put]}, ${i.head??"None"}, ${i.positions?`(${i.positions.join(", ")},)`:"None"}),`;return`from rung import HookedTransformer
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
measure(model, task.tokens, moves, next_token_loss(task.predictable)).change.mean()`}cli(e){let n=e.moves.filter(i=>i.site==="z"&&!i.positions),[s]=new Set(e.moves.map(i=>i.put));return!n.length||n.length<e.moves.length||s==="patch"||n.some(i=>i.put!==s)?null:`rung ablate ${e.model} --heads ${n.map(i=>`${i.layer}.${i.head}`).join(",")} --by ${s} --period ${e.length} --sequences ${e.sequences} --seed ${e.seed}`}pin(e,n){if(!n.moves.length)return null;let{change:s}=e,i=n.moves.map(ot).join(" + ");return{title:`Loss with ${i}`,rung:3,value:s.value,unit:"nats",n:s.n,...j(s),subject:i}}};customElements.define("rung-s08-edit",pr);var mr=class extends q{constructor(){super(...arguments);this.name="s08-sweep";this.heading="Every head, one at a time";this.computation="measure.sweep";this.live=!1}ask(){return{model:J(),length:Y(),seed:ee(),sequences:16,put:this.value("put","mean")}}predict(){return l`<p>Which heads does the prediction need? Write those that you expect on top.</p>
      <label
        >Heads
        <input
          type="text"
          size="12"
          placeholder="1.0, …"
          .value=${(this.prediction??[]).join(", ")}
          @change=${e=>this.setPrediction(e.target.value.match(/\d+\.\d+/g)??[])}
      /></label>`}controls(){return re("Replace by",Ei.filter(([e])=>e!=="patch"),this.ask().put,e=>this.put({put:e}))}see(e,n){let s=n==="now"?this.prediction??[]:[];return l`<rung-bars
        label="Change of the second copy's loss without each head"
        unit=${e.unit}
        .signed=${!0}
        .items=${e.heads.map((i,o)=>({label:i,value:e.change[o].value,...j(e.change[o]),key:`head:${i}`,...s.includes(i)?{note:"you named it"}:{}}))}
      ></rung-bars>
      <p class="quiet">Replaced by: ${e.put}. Clean loss ${H(e.clean.value)}, ${e.n} sequences.</p>`}question(e){return`${e.change.filter(s=>s.value>=1).length} of ${e.heads.length} heads cost a nat or more. Are these the heads that carry a signature?`}explain(e){return l`<p>
        Most bars are short. ${M(`head:${e.heads[0]}`,e.heads[0])} costs most. A sweep is a table of single cuts: it finds what the model cannot do without, one piece at a time.
      </p>
      <p><strong>It is blind to cover.</strong> Where two heads can do the same work, each alone looks idle. Go on to the next panel.</p>`}python(e){let n={zero:"Zero()",mean:"Mean(others)",resample:`Resample(others, seed=${e.seed})`};return`from rung import HookedTransformer
from rung.methods.grids import ablate_each_head
from rung.methods.interventions import Mean, Resample, Zero
from rung.tasks.builtin import repeated_tokens
from rung.tasks.metrics import next_token_loss

model = HookedTransformer.from_pretrained("${e.model}")
task = repeated_tokens(model, period=${e.length}, sequences=${e.sequences}, seed=${e.seed})
others = repeated_tokens(model, period=${e.length}, sequences=${e.sequences}, seed=${e.seed+1}).tokens
ablate_each_head(model, task, next_token_loss(task.predictable), ${n[e.put]}).mean_change`}cli(e){return`rung ablate ${e.model} --by ${e.put} --period ${e.length} --sequences ${e.sequences} --seed ${e.seed}`}pin(e){let n=e.change[0];return{test:"support.necessity",title:`Loss without ${e.heads[0]}`,rung:3,value:n.value,unit:"nats",n:n.n,...j(n),subject:e.heads[0]}}};customElements.define("rung-s08-sweep",mr);var hr=["1.0","1.1","1.2","1.3"],dr={zero:"zero",mean:"mean",resample:"resample, 8 donors averaged","one donor":"resample, one donor"},fr=class extends q{constructor(){super(...arguments);this.name="s08-lie";this.heading="Silenced, or lied?";this.computation="measure.lie"}#e(){return this.value("heads","1.0,1.1").split(",").filter(e=>hr.includes(e))}ask(){let e=this.#e();return e.length?{length:Y(),seed:ee(),heads:e}:"Choose at least one head to take away."}predict(){return l`<p>In <code>two-layer-redundant</code> all four heads of layer 1 do induction. Take two away. Which way hurts most?</p>
      ${re("The way that hurts most",Object.entries(dr),this.prediction,e=>this.setPrediction(e))}`}controls(){let e=this.#e();return l`<div class="choices" role="group" aria-label="Heads taken away together">
      ${hr.map(n=>l`<button
            type="button"
            data-head=${n}
            aria-pressed=${e.includes(n)?"true":"false"}
            @click=${()=>{this.put({heads:hr.filter(s=>e.includes(s)!==(s===n)).join(",")||"none"}),this.act("chose")}}
          >
            ${n}
          </button>`)}
    </div>`}see(e,n){return l`<rung-bars
        label="Change of the second copy's loss, by the way the heads are taken away"
        unit="nats"
        .signed=${!0}
        .items=${e.ways.map(s=>({label:dr[s.put]??s.put,value:s.change.value,...j(s.change),...n==="now"&&this.prediction===s.put?{note:"your choice"}:{}}))}
      ></rung-bars>
      <table class="plain">
        <caption>
          ${e.heads.join(", ")} together, second copy, ${e.n} sequences
        </caption>
        <thead>
          <tr><th scope="col">Put</th><th scope="col">right token’s logit</th><th scope="col">best wrong token’s</th><th scope="col">says the donor’s token</th><th scope="col">right</th></tr>
        </thead>
        <tbody>
          ${e.ways.map(s=>l`<tr data-way=${s.put}>
              <th scope="row">${dr[s.put]??s.put}</th>
              <td>${D(s.right.value)}</td>
              <td>${D(s.rival.value)}</td>
              <td data-number="named">${K(s.named.value)}</td>
              <td>${K(s.accuracy)}</td>
            </tr>`)}
        </tbody>
      </table>
      <rung-bars
        label="Mean ablation of each head alone"
        unit="nats, each alone (mean)"
        .signed=${!0}
        .items=${e.alone.map(s=>({label:s.head,value:s.change.value,...j(s.change),key:`head:${s.head}`}))}
      ></rung-bars>`}question(e){let[n,s]=["zero","one donor"].map(i=>e.ways.find(o=>o.put===i).change.value);return`Zero costs ${H(n)}, one donor ${H(s)}. The right token lost the same in both: where does the rest come from?`}explain(e){let n=i=>e.ways.find(o=>o.put===i),s=e.alone.reduce((i,o)=>i+o.change.value,0);return l`<p>
        Zero and mean <strong>silence</strong> a head: the right token loses its push. One donor makes it <strong>lie</strong>: it pushes the donor’s next token with full
        strength, and the model says that token ${K(n("one donor").named.value)} of the time (zero: ${K(n("zero").named.value)}). Averaging the logits of eight donors thins the lie out.
      </p>
      <p>
        So a large number under resampling with few donors need not mean that a head matters more; ask whether right fell or wrong rose. And the ladder counts a role as needed only
        where mean and resample agree.
      </p>
      <p>
        <strong>Cover.</strong> ${e.alone.length>1?l`Alone, these heads cost ${H(s)} in sum; together ${H(n("mean").change.value)}.`:"Alone, this head costs little."} The others
        take over what one leaves. Switch all four off to see what the role, not the head, is worth.
      </p>`}python(e){return`from rung import HookedTransformer
from rung.methods.before_after import before_after
from rung.methods.interventions import Resample, on_head
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("two-layer-redundant")
task = repeated_tokens(model, period=${e.length}, sequences=16, seed=${e.seed})
others = repeated_tokens(model, period=${e.length}, sequences=16, seed=${e.seed+1}).tokens
lie = Resample(others, draws=1, seed=${e.seed})
found = before_after(model, task.tokens, [on_head(head, lie) for head in [${e.heads.map(n=>`(${n.replace(".",", ")})`).join(", ")}]])
(found.edited.rival - found.clean.rival)[:, task.predictable].mean()`}cli(e){return`rung ablate two-layer-redundant --heads ${e.heads.join(",")} --by mean --period ${e.length} --sequences 16 --seed ${e.seed}`}pin(e){let{change:n}=e.ways.find(i=>i.put==="mean"),s=e.heads.join(", ");return{title:`Loss of two-layer-redundant without ${s}`,rung:3,value:n.value,unit:"nats",n:n.n,...j(n),subject:s}}};customElements.define("rung-s08-lie",fr);var gr=class extends E{constructor(){super(...arguments);this.number=8;this.heading="Cache, hook, measure"}body(){return l`<p>
        Looking is not enough: you have to reach in. The loop is short. Keep a clean run; put something else at one
        ${M("s08:hook","hook")}; measure what the model then says.
      </p>
      ${G("The loop",[{say:l`Run once with nothing hooked: that is your cache.`,until:"s08-edit:ran"},{say:l`Say how much a head is worth, then press <em>Hook it</em>.`,until:"s08-edit:hooked"},{say:l`Undo it. The clean numbers are back.`,until:"s08-edit:undone"},{say:l`Sweep every head.`,until:"s08-sweep:ran"},{say:l`Take several heads of the covering model away at once.`,until:"s08-lie:chose"}])}
      <rung-s08-edit></rung-s08-edit>
      <rung-s08-sweep></rung-s08-sweep>
      <p>Two questions remain. Did you silence the head, or make it lie? And if nothing happened, who took over?</p>
      <rung-s08-lie></rung-s08-lie>`}};customElements.define("rung-section-08",gr);var br=class extends E{constructor(){super(...arguments);this.number=9;this.heading="Attribution"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-09",br);var yr=class extends E{constructor(){super(...arguments);this.number=10;this.heading="Route, match, copy"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-10",yr);var $r=class extends E{constructor(){super(...arguments);this.number=11;this.heading="Weights"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-11",$r);var Ar=["behaviour","clue","contribution","causal support","mechanism"],va={holds:"✓",fails:"✗",contradicted:"✗",inconclusive:"?","not applicable":"?","not run":"○"},_i=t=>t.replace(" ","-"),wr=class extends C{constructor(){super(...arguments);this.graph=null}static{this.properties={graph:{attribute:!1}}}render(){let{graph:e}=this;if(!e)return f;let n=Math.max(270,Math.min(this.width||640,680)),[s,i,o,a]=[Math.min(200,n*.48),Math.min(220,n*.38),32,6],c=e.nodes.filter(m=>!m.is_rung).sort((m,g)=>g.rung-m.rung),u=new Map;c.forEach((m,g)=>u.set(m.id,a+g*o));let p=a+c.length*o+6;for(let m of e.nodes.filter(g=>g.is_rung)){let g=c.flatMap(($,b)=>$.rung===m.rung?[b]:[]),x=g.length?(g[0]+g[g.length-1])/2:c.length-1-m.rung;u.set(m.id,a+x*o)}let h=e.nodes.filter(m=>m.is_rung).sort((m,g)=>g.rung-m.rung);h.forEach((m,g)=>{g&&u.set(m.id,Math.max(u.get(m.id),u.get(h[g-1].id)+o+4))});let d=Math.max(p,...h.map(m=>u.get(m.id)+o)),y=n-i;return l`<figure>
      <svg width=${n} height=${d} role="img" aria-label=${this.say(e)}>
        ${e.edges.map(m=>{let[g,x]=[u.get(m.source),u.get(m.target)],$=m.source.startsWith("rung:"),b=y+i/2,A=$?`M${b} ${g}V${x+26}`:`M${s} ${g+13}C${s+26} ${g+13} ${y-26} ${x+13} ${y} ${x+13}`;return R`<path class="wire ${_i(m.fill)}" d=${A}></path>`})}
        ${e.nodes.map(m=>{let[g,x]=m.is_rung?[y,i]:[0,s],$=k.current===`s12:${m.id}`;return R`<g class="${_i(m.fill)} ${m.is_rung?"rung-box":""} ${$?"lit":""}"
            @pointerenter=${()=>k.peek(`s12:${m.id}`)} @pointerleave=${()=>k.peek(null)}>
            <rect class="box" x=${g+1} y=${u.get(m.id)} width=${x-2} height="26" rx="5"></rect>
            <text class="name" x=${g+8} y=${u.get(m.id)+17}>${va[m.fill]} ${m.is_rung?`${m.rung} `:""}${m.label}</text>
            ${n>430?R`<text x=${g+x-8} y=${u.get(m.id)+17} text-anchor="end">${m.held}/${m.tests.length}</text>`:f}
          </g>`})}
      </svg>
      <figcaption class="quiet">✓ holds · ✗ fails · ? undecided, or its own tests hold above a gap · ○ not measured. The number: tests that hold, of those required.</figcaption>
    </figure>`}say(e){return`Evidence graph. ${e.nodes.map(n=>`${n.label}: ${n.fill}, ${n.held} of ${n.tests.length}`).join("; ")}`}};customElements.define("rung-evidence",wr);var Tr=t=>l`
  <p class="facts"><strong data-verdict>${t.sentence}</strong></p>
  ${t.weakest?l`<p class="facts">Weakest link: <span data-weakest>${t.weakest}</span></p>`:f}
  <rung-evidence .graph=${t.graph}></rung-evidence>
  <details ?open=${k.current?.startsWith("s12:rows")??!1}>
    <summary>Every required test: effect, interval, control, floor</summary>
    <rung-ladder
      .verdict=${null}
      .measurements=${t.graph.rows.map(r=>{let e=r.checks[0];return{id:r.test,title:r.name,subject:r.subject,rung:r.rung,outcome:r.outcome,unit:r.unit,value:e?.value,low:e?.low,high:e?.high,n:e?.n,floor:e?.floor,control:r.controls[0]?.[1],note:r.checks.length?r.words:void 0}})}
    ></rung-ladder>
  </details>`,Sr=(t,r,e)=>l`
  <fieldset class="choose">
    <legend>Which rung will it reach?</legend>
    ${["nothing",...Ar].map((n,s)=>l`<label>
      <input type="radio" name="${t}-guess" .checked=${r===s-1} @change=${()=>e(s-1)} />${n}</label>`)}
  </fieldset>`,Yt=t=>t<0?"nothing":Ar[t],Er=(t,r)=>typeof t=="number"?l`<p>You said <strong>${Yt(t)}</strong>; the tests give <strong data-rung>${Yt(r.rung)}</strong>.</p>`:l`<p>The tests give <strong data-rung>${Yt(r.rung)}</strong>. You predicted nothing.</p>`,Ni=(t,r)=>t.rung<0?null:{title:r,rung:t.rung,value:t.rung,unit:"rung",n:t.sequences,subject:t.circuit,holds:!0},Ci=t=>l`
  <label>Heads (empty: found by a search)
    <input type="text" size="34" placeholder="previous_token=0.0; induction=1.0" .value=${t.value("heads")}
      @change=${r=>t.put({heads:r.target.value.trim()||null})} />
  </label>`,ka=["behaviour.gain","behaviour.order","clue.signature"],vr=class extends q{constructor(){super(...arguments);this.name="s12-part";this.heading="A verdict from the tests you ran";this.computation="ladder.part";this.live=!1;this.#e=[];this.#t="";this.#n=""}#e;#t;#n;chosen(){let e=this.value("tests");if(e)return e==="none"?[]:e.split(",");let n=v.pins.flatMap(s=>s.test&&this.#e.some(i=>i.test===s.test)?[s.test]:[]);return[...new Set(n.length?n:ka)]}async list(){let e={model:J(),heads:this.value("heads")},n=JSON.stringify(e);if(n!==this.#t){this.#t=n;try{this.#e=(await F("ladder.required",e,{panel:`${this.name}-list`})).tests,this.#n=""}catch(s){s instanceof Error&&s.name!=="AbortError"&&(this.#n=s.message),this.#t=this.#n?this.#t:""}this.requestUpdate()}}updated(){this.#t&&this.#t!==JSON.stringify({model:J(),heads:this.value("heads")})&&this.list()}ask(){let e=this.chosen();return e.length?{model:J(),heads:this.value("heads"),tests:e}:"Choose at least one test."}predict(){return l`${Sr(this.name,this.prediction,e=>this.setPrediction(e))}`}controls(){let e=this.chosen(),n=[...new Map(this.#e.map(i=>[i.test,i])).values()],s=(i,o)=>{let a=o?[...e,i]:e.filter(c=>c!==i);this.put({tests:a.join(",")||"none"}),this.act(o?"added":"removed")};return l`${Ci(this)}
      ${this.#n?l`<p class="problem" role="alert">${this.#n}</p>`:f}
      ${n.length===0?l`<p><button type="button" data-act="list" @click=${()=>{this.list()}}>List the tests of this claim</button>
            <span class="quiet">until then: ${e.length} chosen</span></p>`:Ar.map((i,o)=>l`<fieldset class="choose"><legend>${o} ${i}</legend>
            ${n.filter(a=>a.rung===o).map(a=>{let c=v.pins.some(u=>u.test===a.test);return l`<label><input type="checkbox" data-test=${a.test} .checked=${e.includes(a.test)}
                @change=${u=>s(a.test,u.target.checked)} />${a.name}${c?l` <span class="quiet">pinned</span>`:f}</label>`})}</fieldset>`)}`}see(e,n){return l`${n==="now"?Er(this.prediction,e):f}
      <p class="quiet">Claim: ${e.circuit}, on ${e.sequences} confirmation sequences.</p>${Tr(e)}`}question(e){return e.rung<4?`Which one test would lift it above ${Yt(e.rung)}, and could it also fail?`:"Which test would you drop first, and how far would the verdict fall?"}explain(e){let n=e.graph.rows.filter(s=>s.outcome==="not run").length;return l`<p>The verdict is the highest rung up to which <em>every</em> required test was run and holds. ${n} required tests were not run, and each of them stops it where it stands. A test that you leave out never counts for you.</p>
      <p>A pin chooses the test; the number is measured again here, on confirmation sequences that follow from a hash of the heads and the weights. What you saw while looking around confirms nothing.</p>`}python(e){return`from rung import HookedTransformer
from rung.evidence.prove import prepare, prove_part
from rung.views.wording import verdict_sentence

model = HookedTransformer.from_pretrained(${JSON.stringify(e.model)})
found = prepare("induction", model)
proof = prove_part(found, ${JSON.stringify(e.tests)})
print(verdict_sentence(proof))`}cli(){return null}pin(e){return Ni(e,`Verdict from ${e.graph.rows.filter(n=>n.outcome!=="not run").length} tests: ${e.rung_name}`)}};customElements.define("rung-s12-part",vr);var kr=class extends q{constructor(){super(...arguments);this.name="s12-proof";this.heading="The whole proof";this.computation="ladder.prove";this.live=!1}ask(){return{model:J(),heads:this.value("heads")}}predict(){return Sr(this.name,this.prediction,e=>this.setPrediction(e))}controls(){return Ci(this)}see(e,n){return l`${n==="now"?Er(this.prediction,e):f}${Tr(e)}
      <p>
        <button type="button" data-act="to-drawer" @click=${()=>{v.setProof(JSON.parse(e.record)),this.act("kept-record")}}>Put the record into the drawer</button>
        <button type="button" data-act="record" @click=${()=>{Rr("induction.json",e.record,"application/json"),this.act("kept-record")}}>Download the record</button>
        <span class="quiet">Then: <code>rung verify induction.json</code></span>
      </p>`}question(e){return e.weakest?"Is the weakest link a fault of the model, or of the claim?":"What would have to be wrong for this verdict to be wrong?"}explain(e){return l`<p>${e.graph.rows.length} tests were required, and none of them is yours to choose: they follow from where each role writes and what the edge joins. Each is held to a floor fixed beforehand, by the careful end of its interval.</p>
      <p>It says <em>a</em> circuit, never <em>the</em> circuit, and it names its scope: random repeats, with what the heads do on prose beside it.</p>`}python(e){let n=e.heads?`rung.claims.INDUCTION.with_heads(${xa(e.heads)})`:'"induction"';return`import rung

model = rung.HookedTransformer.from_pretrained(${JSON.stringify(e.model)})
print(rung.prove(${n}, model))`}cli(e){let n=e.heads.split(";").map(s=>s.trim()).filter(Boolean).map(s=>` --heads ${s.replace(/\s/g,"")}`).join("");return`rung prove induction --model ${e.model}${n}
rung verify induction.json`}pin(e){return Ni(e,`Whole proof: ${e.rung_name}`)}};customElements.define("rung-s12-proof",kr);var xa=t=>`{${t.split(";").map(r=>r.trim()).filter(Boolean).map(r=>{let[e,n]=r.split("=");return`"${e.trim()}": [${(n??"").split(",").map(s=>`(${s.trim().replace(".",", ")})`).join(", ")}]`}).join(", ")}}`;function Rr(t,r,e){let n=URL.createObjectURL(new Blob([r],{type:e})),s=document.createElement("a");s.href=n,s.download=t,s.click(),setTimeout(()=>URL.revokeObjectURL(n),1e3)}var qi={stripe:["A stripe without copying","The claimed head has a perfect stripe. Another head of its layer copies."],fixed_distance:["A fixed-distance head","The claimed head always looks the same number of tokens back, and copies what stands there."],wrong_edge:["Right heads, wrong edge","Both heads are right. The claim says that the edge between them ends in queries."]},xr=class extends q{constructor(){super(...arguments);this.name="s12-decoys";this.heading="Three decoys";this.computation="ladder.decoy";this.live=!1}ask(){return{decoy:this.value("decoy","stripe"),seed:this.number("seed",0)}}predict(){return l`<p>${qi[this.ask().decoy]?.[1]??""}</p>${Sr(this.name,this.prediction,e=>this.setPrediction(e))}`}controls(){let e=this.ask();return l`<fieldset class="choose"><legend>Decoy</legend>
        ${Object.entries(qi).map(([n,[s]])=>l`<label><input type="radio" name="s12-decoy" value=${n} .checked=${e.decoy===n}
          @change=${()=>this.put({decoy:n})} />${s}</label>`)}</fieldset>
      <label>Seed <input type="number" min="0" max="9999" .value=${String(e.seed)}
        @change=${n=>this.put({seed:Number(n.target.value)||0})} /></label>`}see(e,n){return l`${n==="now"?Er(this.prediction,e):f}
      <p>By construction a sound verdict goes no higher than <strong data-truth>${e.truth_name}</strong>; it reached ${e.rung_name}. ${e.rung>e.truth?l`<strong>Too high.</strong>`:f}</p>
      ${Tr(e)}`}question(){return"Which picture would have fooled you, and which number did not?"}explain(e){return l`<p>${e.why}</p><p>${M("s12:kind:pattern","Pattern")} alone would have passed ${e.rung>=1?"this one":"the route head, and not this one"}. The test that stops it: ${e.weakest}.</p>`}python(e){return`from dataclasses import replace

from rung import prove
from rung.evidence.claim import INDUCTION
from rung.planted import plant

planted = plant(${JSON.stringify(e.decoy)}, seed=${e.seed})
edge = replace(INDUCTION.edges[0], into=planted.into)
claim = replace(INDUCTION, edges=(edge,)).with_heads(planted.heads)
print(prove(claim, planted.model))
print(planted.why)`}cli(){return null}};customElements.define("rung-s12-decoys",xr);var Mr=class extends E{constructor(){super(...arguments);this.number=12;this.heading="The ladder"}body(){return l`
      <p>You have pins. What may you say? A pattern is a ${M("s12:rung:1","clue")}. Attribution shows ${M("s12:rung:2","contribution")}. An intervention shows ${M("s12:rung:3","causal support")}. Only weights, read together with the causes, show a ${M("s12:rung:4","mechanism")}.</p>
      <p>The verdict is computed. Each kind of evidence carries one rung: ${M("s12:kind:pattern","pattern")}, ${M("s12:kind:attribution","attribution")}, ${M("s12:kind:ablation","ablation")}, and for the top rung ${M("s12:kind:QK","QK")}, ${M("s12:kind:OV","OV")} and ${M("s12:kind:composition","composition")}. A test that fails lowers it. A test that was not run is an empty node, and nothing above it counts.</p>
      <p><strong>The tempting reading:</strong> many good numbers add up to a proof. <strong>The better one:</strong> one missing link, and the chain ends there.</p>
      ${G("Climb the ladder",[{say:l`Say which rung the chosen tests will reach, and run them.`,until:"s12-part:ran"},{say:l`List the claim's tests, and add one.`,until:"s12-part:added"},{say:l`Now run the whole proof. It takes some seconds; each test reports as it runs.`,until:"s12-proof:ran"},{say:l`Try a decoy.`,until:"s12-decoys:ran"}])}
      <rung-s12-part></rung-s12-part>
      <p>One button runs everything. The record that it leaves is data: anyone with the same weights executes it again.</p>
      <rung-s12-proof></rung-s12-proof>
      <p>A ladder is worth what it refuses. These three models were wired by hand, so that the truth is known; the heads were then hidden by a random rotation.</p>
      <rung-s12-decoys></rung-s12-decoys>`}};customElements.define("rung-section-12",Mr);var at={a:{id:"a",ask:"Why does induction need two layers, and what does each contribute?",points:[{text:"Heads of one layer read the same input: none can wait for another.",section:10,where:"Route, match, copy"},{text:"The earlier layer routes: at B's position it writes that A came before.",section:10,where:"Route, match, copy"},{text:"The later layer matches what was written, and copies B to the output.",section:10,where:"Route, match, copy"},{text:"They meet in the residual stream, which both read and write.",section:4,where:"The residual stream"}]},b:{id:"b",ask:"Why cache a run before you intervene?",points:[{text:"The clean run is what every change is measured against.",section:8,where:"Cache, hook, measure"},{text:"The cache says which place is worth a hook, and gives the values to put there: a mean, another run's.",section:8,where:"Cache, hook, measure"},{text:"Without a look first, you may silence a head that does nothing here and call it unneeded.",section:7,where:"Signatures"}]},c:{id:"c",ask:"A head shows a clean stripe. What lifts it beyond a clue?",points:[{text:"Contribution: it pushes the right token, more than heads without a role.",section:9,where:"Attribution"},{text:"Causal support: the loss rises when this head is ablated, held to a floor and beside other heads.",section:8,where:"Cache, hook, measure"},{text:"The reason: with another sequence's output in its place the model says that sequence's token.",section:12,where:"The ladder"},{text:"Mechanism: OV copies, and QK matches what the earlier head wrote.",section:11,where:"Weights"}]},d:{id:"d",ask:"What does QK tell you that OV does not, and the reverse?",points:[{text:"QK: which source a query attends to. It says nothing of what arrives.",section:11,where:"Weights"},{text:"OV: what is moved from a source, wherever attention points. It says nothing of where.",section:11,where:"Weights"},{text:"In one layer the two tables are separate: raise two right triples, and two wrong ones rise.",section:5,where:"Skip-trigrams"},{text:"Both are about weights; whether the model uses them here is another question.",section:12,where:"The ladder"}]},e:{id:"e",ask:"A new task: key–value pairs, then one of the keys again. Which signatures, interventions and weight checks do you take first?",points:[{text:"Two signatures: one back at the value, and from the query to what followed the earlier key.",section:7,where:"Signatures"},{text:"Ablate, exchange, and patch the edge into keys: needed, for what, and through which input.",section:8,where:"Cache, hook, measure"},{text:"OV for what is copied, composed QK for what is matched.",section:11,where:"Weights"}]}},Oi="rung-checks",Qt=()=>{try{return JSON.parse(localStorage.getItem(Oi)??"{}")}catch{return{}}},Pi=(t,r)=>{try{localStorage.setItem(Oi,JSON.stringify({...Qt(),[t]:r}))}catch{}},_r=class extends Q{constructor(){super(...arguments);this.check=null;this.#e=!1;this.#t=""}static{this.properties={check:{attribute:!1}}}#e;#t;render(){let{check:e}=this;if(!e)return f;let n=Qt()[e.id]??"",s=new Set((Qt()[`${e.id}-ticks`]??"").split(",").filter(Boolean));return l`<div class="check">
      <label for="s13-${e.id}-text">${e.ask}</label>
      <textarea id="s13-${e.id}-text" rows="4" .value=${n} placeholder="In your words. It stays in this browser."
        @input=${i=>Pi(e.id,i.target.value)}></textarea>
      <p><button type="button" data-act="hold" aria-expanded=${this.#e?"true":"false"} @click=${()=>this.hold()}>${this.#e?"Hide the points":"Hold it against the points"}</button>
        <span role="status">${this.#t}</span></p>
      ${this.#e?l`<p class="quiet">Tick what your answer says. Where it does not, follow the link and look.</p>
            <ul class="points">${e.points.map((i,o)=>l`<li><label><input type="checkbox" data-point=${o} .checked=${s.has(String(o))}
                @change=${a=>this.tick(s,o,a.target.checked)} /> ${i.text}</label>
              <a href="#section-${i.section}">Section ${i.section}: ${i.where}</a></li>`)}</ul>
            <p data-ticked>${s.size} of ${e.points.length} points said.</p>`:f}
    </div>`}hold(){let{check:e}=this;!this.#e&&!(Qt()[e.id]??"").trim()?this.#t="Write a line first: the points teach little before you have tried.":(this.#e=!this.#e,this.#t="",B.tell(`s13:${e.id}`),this.#e&&B.tell("s13:held")),this.requestUpdate()}tick(e,n,s){s?e.add(String(n)):e.delete(String(n)),Pi(`${this.check.id}-ticks`,[...e].join(",")),this.requestUpdate()}};customElements.define("rung-check",_r);var Li=t=>l`
  <p class="facts"><strong data-passed=${t.passed?"yes":"no"}>${t.passed?"✓ It tells them apart.":"✗ Not yet."}</strong> <span data-sentence data-mistake=${t.mistake}>${t.sentence}</span></p>
  ${t.cases.length===0?f:l`<div class="table-scroll" tabindex="0" role="region" aria-label="Every model, and what your choice said">
        <table class="cases">
          <thead><tr><th scope="col">model</th><th scope="col">claim</th><th scope="col">your tests</th><th scope="col">you would</th></tr></thead>
          <tbody>${t.cases.map(r=>l`<tr data-model=${r.model} data-accepted=${r.accepted?"yes":"no"}>
            <th scope="row"><strong>${r.model.replace(/_/g," ")}</strong><br /><span class="quiet">${r.why}</span></th>
            <td>${r.genuine?"true":"false"}</td>
            <td>${r.outcomes.map(([e,n])=>l`${e}: ${n}<br />`)}</td>
            <td>${r.accepted?"accept":"reject"} ${r.accepted===r.genuine?"✓ rightly":"✗ wrongly"}</td>
          </tr>`)}</tbody>
        </table>
      </div>`}`,lt=(t,r,e,n,s)=>l`
  <fieldset class="choose"><legend>${r}</legend>${n.map(([i,o])=>l`<label>
    <input type="radio" name=${t} value=${i} .checked=${e===i} @change=${()=>s(i)} />${o}</label>`)}</fieldset>`,qr=(t,r,e,n)=>l`
  <fieldset class="choose"><legend>${t}</legend>${e.map(([s,i])=>l`<label>
    <input type="checkbox" value=${s} .checked=${r.includes(s)}
      @change=${o=>n(o.target.checked?[...r,s]:r.filter(a=>a!==s))} />${i}</label>`)}</fieldset>`,Ma=[["clue.signature","its attention pattern, beside unrepeated text"],["contribution.direct","its direct push of the right token"],["support.necessity","ablate it"],["support.denoising","restore it in a corrupted run"],["support.interchange","exchange its output with another sequence's"],["support.edge","patch the edge from the head that feeds it"],["mechanism.ov","OV: what it copies"],["mechanism.routed_qk","composed QK: what it matches"]],Nr=class extends q{constructor(){super(...arguments);this.name="s13-lift";this.heading="(c) What lifts a clean stripe beyond a clue?";this.computation="checks.lift";this.live=!1}list(){return this.value("tests").split(",").filter(Boolean)}ask(){return{tests:this.list(),subject:this.value("subject","head"),held_to:this.value("held_to","floor")}}predict(){return l`<rung-check .check=${at.c}></rung-check>`}controls(){let e=this.ask();return l`<p>Now choose, and have it run. Five models, each with a clean stripe; in one of them the striped head is the circuit's.</p>
      ${qr("Tests",e.tests,Ma,n=>this.put({tests:n.join(",")||null}))}
      ${lt("s13-subject","Run on",e.subject,[["head","the striped head"],["layer","every head of its layer"],["route","the head that feeds it"]],n=>this.put({subject:n}))}
      ${lt("s13-held","A test holds",e.held_to,[["floor","above a floor fixed beforehand, beside its control"],["zero","with any effect above zero"]],n=>this.put({held_to:n}))}`}see(e){return Li(e)}question(e){return e.passed?"Which of your tests could you drop?":"Which model fooled you, and what would tell it from the true one?"}explain(){return l`<p>Nothing here was compared with a solution. Your tests ran on models whose circuit was set by hand, and were asked one thing: do they hold where the claim is true, and fail where it is not? More than one choice passes.</p>`}python(e){return`from rung.course import LiftChoice, check_lift

choice = LiftChoice((${e.tests.map(s=>JSON.stringify(s)).join(", ")}${e.tests.length===1?",":""}), subject="${e.subject}", held_to="${e.held_to}")
print(check_lift(choice).sentence)`}cli(){return null}};customElements.define("rung-s13-lift",Nr);var Cr=class extends q{constructor(){super(...arguments);this.name="s13-plan";this.heading="(e) A new task: your plan";this.computation="checks.plan";this.live=!1}list(e){return this.value(e).split(",").filter(Boolean)}ask(){let[e,n]=[this.value("route"),this.value("match")];return!e||!n?"Choose a signature for each of the two heads.":{route:e,match:n,interventions:this.list("interventions"),into:this.value("into","K"),weights:this.list("weights")}}predict(){return l`<rung-check .check=${at.e}></rung-check>`}controls(){let e=s=>i=>this.put({[s]:i.join(",")||null}),n=s=>i=>this.put({[s]:i});return l`<p><code>k₁ v₁ k₂ v₂ k₃ v₃ … k₂ → v₂</code>: the pairs come again in another order. The planted models of the induction circuit do this task too; your plan runs on seven of them.</p>
      ${lt("s13-route","The head that feeds the look-up, seen from the value, attends",this.value("route"),[["one_back","one token back"],["two_back","two tokens back"],["itself","to the value itself"]],n("route"))}
      ${lt("s13-match","The look-up head, seen from the asked key, attends",this.value("match"),[["value","to what followed the earlier key"],["key","to the earlier key"],["last","to the last token"]],n("match"))}
      ${qr("Interventions",this.list("interventions"),[["ablate","ablate the look-up head"],["exchange","exchange its output with another sequence's"],["path","patch the edge between the two heads"]],e("interventions"))}
      ${lt("s13-into","The edge ends in",this.value("into","K"),[["Q","queries"],["K","keys"],["V","values"]],n("into"))}
      ${qr("Weight checks",this.list("weights"),[["ov","OV: what is copied"],["composed_qk","QK on what the other head wrote"],["embedding_qk","QK on embeddings alone"],["positional","positional QK of the head that feeds it"]],e("weights"))}`}see(e){return Li(e)}question(e){return e.passed?"Which decoy would have cost you a week?":"What does the named model have that your plan never looks at?"}explain(){return l`<p>Signatures are graded by the head that they find. Interventions and weight checks are graded by what they say of one true circuit and six decoys, two of which pass every intervention and fail in their weights.</p>`}python(e){let n=s=>`(${s.map(i=>JSON.stringify(i)).join(", ")}${s.length===1?",":""})`;return`from rung.course import PlanChoice, check_plan

choice = PlanChoice(
    route="${e.route}",
    match="${e.match}",
    interventions=${n(e.interventions)},
    into="${e.into}",
    weights=${n(e.weights)},
)
print(check_plan(choice).sentence)`}cli(){return null}};customElements.define("rung-s13-plan",Cr);var Pr=class extends E{constructor(){super(...arguments);this.number=13;this.heading="Five checks"}body(){return l`
      <p>Five questions. Answer each in your own words before you look at the points. Your words stay in this browser; nothing is sent.</p>
      <p>Three of them you hold against the points yourself. For (c) and (e) you also choose, and what you choose is <strong>run</strong> on models whose truth is known. If your choice has a hole, a decoy walks through it, and you are told which.</p>
      ${G("Five checks",[{say:l`Answer (a), and hold it against the points.`,until:"s13:a"},{say:l`In (c), choose tests and run them.`,until:"s13-lift:ran"},{say:l`In (e), plan for a task that this page never showed.`,until:"s13-plan:ran"}])}
      <h3>(a)</h3><rung-check .check=${at.a}></rung-check>
      <h3>(b)</h3><rung-check .check=${at.b}></rung-check>
      <rung-s13-lift></rung-s13-lift>
      <h3>(d)</h3><rung-check .check=${at.d}></rung-check>
      <rung-s13-plan></rung-s13-plan>`}};customElements.define("rung-section-13",Pr);var Or=class extends Q{constructor(){super(...arguments);this.move=null;this.#e=null;this.#t="";this.#n="";this.#r="";this.#s=!1;this.#l=!1;this.#o=null;this.#i=null}static{this.properties={move:{attribute:!1}}}#e;#t;#n;#r;#s;#l;#o;#i;render(){let{move:e}=this;return e?l`<article class="panel" id="s14-${e.name}" aria-labelledby="s14-${e.name}-heading">
      <h3 id="s14-${e.name}-heading">${e.title}</h3>
      <label>Predict: what will the last cell print?
        <input type="text" autocomplete="off" .value=${this.#t} @input=${n=>{this.#t=n.target.value}} /></label>
      ${e.cells.map((n,s)=>l`<p>${n.words}</p>
        <pre tabindex="0" aria-label="Code of cell ${s+1}"><code>${n.code}</code></pre>
        ${this.#e?.[s]?l`<pre class="printed" tabindex="0" aria-label="Printed by cell ${s+1}" data-cell=${s}>${this.#e[s]}</pre>`:f}`)}
      ${this.#e?l`<p>You predicted: ${this.#t.trim()||"nothing"}. The last cell printed what stands above.</p>`:f}
      <p>
        <button type="button" class="primary" data-act="run" @click=${()=>{this.start()}}>${this.#e?"Run again":"Run"}</button>
        <button type="button" data-act="copy" @click=${()=>{this.copy()}}>Copy</button>
        <button type="button" data-act="notebook" @click=${()=>{Rr(`${e.name}.ipynb`,e.notebook,"application/x-ipynb+json"),B.tell("s14:notebook")}}>Open notebook</button>
        ${this.#l&&this.#s?l`<span class="waiting" role="status">${this.#o?`Running ${this.#o.step}`:"Waiting for its turn"}
              <button type="button" data-act="cancel" @click=${()=>this.#i?.abort()}>Cancel</button></span>`:f}
      </p>
      <p class="status" role="status">${this.#r}</p>
      ${this.#n?l`<p class="problem" role="alert">${this.#n}</p>`:f}
    </article>`:f}async start(){let e=this.move;this.#i?.abort();let n=this.#i=new AbortController;[this.#l,this.#s,this.#o,this.#n,this.#r]=[!0,!1,null,"",""];let s=setTimeout(()=>{this.#s=!0,this.requestUpdate()},400);try{let i=await F("moves.run",{move:e.name},{panel:`s14-${e.name}`,signal:n.signal,onProgress:o=>{this.#o=o,this.requestUpdate()}});this.#e=i.printed,this.#r=`${e.title}: done.`,B.tell(`s14:${e.name}`),B.tell("s14:ran")}catch(i){if(n!==this.#i)return;Dt(i)||i instanceof z&&i.kind==="cancelled"?this.#r="Cancelled. Press Run to start again.":this.#n=i instanceof Error?i.message:String(i)}finally{clearTimeout(s),n===this.#i&&(this.#l=!1),this.requestUpdate()}}async copy(){let e=`${this.move.cells.map(n=>`# ${n.words}
${n.code}`).join(`

`)}
`;try{await navigator.clipboard.writeText(e),this.#r="Copied."}catch{this.#r="This browser does not let the page copy; use Open notebook, or select the code."}B.tell("s14:copied"),this.requestUpdate()}};customElements.define("rung-move",Or);var Lr=class extends E{constructor(){super(...arguments);this.number=14;this.heading="Notebook moves";this.#e=[];this.#t="";this.#n=!1}#e;#t;#n;connectedCallback(){super.connectedCallback(),this.#n||this.fetch()}async fetch(){this.#n=!0;try{this.#e=(await F("moves.list",{},{panel:"s14-list"})).moves,this.#t=""}catch(e){this.#t=e instanceof Error?e.message:String(e)}this.requestUpdate()}body(){return l`
      <p>Five moves carry you from this page into a notebook. Each is a few lines that you may run here, copy, or open as a notebook. What runs is the code you see; the page sends its name and nothing else.</p>
      <p>In a notebook, look first and touch later: ${M("s14:cache","cache")} a run, read it, then ${M("s14:hook","hook")} a place and change it. An intervention without a look before it changes something you have not seen.</p>
      ${G("Take it with you",[{say:l`Say what the last cell of a move will print, then run it.`,until:"s14:ran"},{say:l`Run the hook move: which head's ablation moves the loss?`,until:"s14:hook"},{say:l`Take one move as a notebook.`,until:"s14:notebook"}])}
      ${this.#t?l`<p class="problem" role="alert">${this.#t} <button type="button" @click=${()=>{this.fetch()}}>Ask again</button></p>`:f}
      ${this.#e.length||this.#t?f:l`<p role="status">Fetching the code of the moves.</p>`}
      ${this.#e.map(e=>l`<rung-move .move=${e}></rung-move>`)}`}};customElements.define("rung-section-14",Lr);var jr=[{number:1,title:"What this is",show:()=>l`<rung-section-01></rung-section-01>`},{number:2,title:"Concrete access",show:()=>l`<rung-section-02></rung-section-02>`},{number:3,title:"Direct path, attention path",show:()=>l`<rung-section-03></rung-section-03>`},{number:4,title:"The residual stream",show:()=>l`<rung-section-04></rung-section-04>`},{number:5,title:"Skip-trigrams",show:()=>l`<rung-section-05></rung-section-05>`},{number:6,title:"The board",show:()=>l`<rung-section-06></rung-section-06>`},{number:7,title:"Signatures",show:()=>l`<rung-section-07></rung-section-07>`},{number:8,title:"Cache, hook, measure",show:()=>l`<rung-section-08></rung-section-08>`},{number:9,title:"Attribution",show:()=>l`<rung-section-09></rung-section-09>`},{number:10,title:"Route, match, copy",show:()=>l`<rung-section-10></rung-section-10>`},{number:11,title:"Weights",show:()=>l`<rung-section-11></rung-section-11>`},{number:12,title:"The ladder",show:()=>l`<rung-section-12></rung-section-12>`},{number:13,title:"Five checks",show:()=>l`<rung-section-13></rung-section-13>`},{number:14,title:"Notebook moves",show:()=>l`<rung-section-14></rung-section-14>`}];var Aa=[["workbench","Workbench"],["record","Record"]],Ta=15e3,Ir=class extends I{#e=null;#t="";#n=!1;#r=!1;#s="";createRenderRoot(){return this}connectedCallback(){super.connectedCallback(),le.start();let r=()=>this.requestUpdate();le.subscribe(r),U.subscribe(r),v.subscribe(r),_.subscribe(r),this.#l(),window.setInterval(()=>{Vn()},Ta),window.addEventListener("focus",()=>{Vn()})}async#l(){try{this.#e=await Wt(),new URLSearchParams(location.search).has("model")||_.set({model:this.#e.model}),await vi()}catch(r){this.#t=r instanceof Error?r.message:String(r)}this.requestUpdate(),await this.updateComplete,location.hash&&document.getElementById(location.hash.slice(1))?.scrollIntoView()}render(){return l`<a class="skip" href="#main">To the lesson</a>
      ${this.#o()} ${this.#i()}
      <main id="main" tabindex="-1">
        ${U.status==="ok"?f:l`<p class="problem banner" role="alert">${U.status==="lost"?"The lab does not answer. What you set and pinned is kept in this page.":"The lab was restarted. Open the address that it printed last: what you set is in this page’s address, and your pins are kept."}</p>`}
        ${this.#t?l`<p class="problem" role="alert">${this.#t}</p>`:f}
        ${this.#e?l`${jr.map(r=>r.show())}<rung-workbench id="workbench"></rung-workbench><rung-record id="record"></rung-record>`:l`<p class="loading">Loading the lab …</p>`}
      </main>
      ${this.#u()}`}#o(){let r=this.#e,e=_.get("model",r?.model??"");return l`<header class="top">
      <button type="button" class="menu-button" aria-expanded=${this.#n?"true":"false"} aria-controls="contents" @click=${()=>this.#d()}>Contents</button>
      <p class="brand"><strong>Rung</strong> <span class="quiet">see the circuit, then prove it</span></p>
      <label class="model-choice">
        <span class="quiet">Model</span>
        <select @change=${n=>_.set({model:n.target.value})}>
          ${[...new Set([...r?.models??[],e])].filter(Boolean).map(n=>l`<option value=${n} ?selected=${n===e}>${n}</option>`)}
        </select>
      </label>
      <label class="theme-choice">
        <span class="quiet">Theme</span>
        <select @change=${n=>le.set(n.target.value)}>
          ${["system","light","dark"].map(n=>l`<option value=${n} ?selected=${n===le.choice}>${n}</option>`)}
        </select>
      </label>
      <button type="button" class="drawer-button" aria-expanded=${this.#r?"true":"false"} aria-controls="drawer" @click=${()=>this.#a()}>
        Evidence <span class="count">${v.pins.length+(v.proof?1:0)}</span>
      </button>
    </header>`}#i(){let r=(e,n)=>l`<li><a href=${e} @click=${()=>this.#n&&this.#d()}>${n}</a></li>`;return l`<nav id="contents" class=${this.#n?"contents open":"contents"} aria-label="Contents">
      <ol>
        ${jr.map(e=>r(`#section-${e.number}`,l`<span class="number">${e.number}</span> ${e.title}`))}
      </ol>
      <ul>
        ${Aa.map(([e,n])=>r(`#${e}`,n))}
      </ul>
    </nav>`}#d(){this.#n=!this.#n,this.requestUpdate()}#a(){this.#r=!this.#r,this.requestUpdate()}#u(){let r=this.#r?v.earlier():[];return l`<aside id="drawer" class=${this.#r?"drawer open":"drawer"} aria-label="Evidence drawer" ?inert=${!this.#r}>
      <header>
        <h2>Evidence drawer</h2>
        <button type="button" class="icon" @click=${()=>this.#a()}>Close</button>
      </header>
      ${v.pins.length===0?l`<p class="quiet">Nothing is pinned yet. Pin a result under its figure, and it is kept here with its request.</p>`:l`<ul class="pins">
            ${v.pins.map(e=>l`<li>
                <p><strong>${e.title}</strong> <span class="quiet">${vt[e.rung]}</span></p>
                <p>
                  ${w(e.value)} ${e.unit}${e.low!==void 0&&e.high!==void 0?l` <span class="quiet">[${w(e.low)}, ${w(e.high)}]</span>`:f}${e.control!==void 0?l` <span class="quiet">control ${w(e.control)}</span>`:f}${e.floor!==void 0?l` <span class="quiet">floor ${w(e.floor)}</span>`:f}
                </p>
                <p><a href="#${e.panel}">Where it was seen</a> <button type="button" class="link" aria-label="Remove ${e.title}" @click=${()=>v.remove(e.id)}>Remove</button></p>
              </li>`)}
          </ul>`}
      ${v.proof?l`<p>A proof is kept here: <a href="#record">its record</a>.</p>`:f}
      <p class="drawer-row">
        <button type="button" class="primary" @click=${()=>{this.#c(()=>v.download())}}>Download</button>
        <label class="file">Open a file <input type="file" accept=".json,application/json" @change=${e=>{this.#h(e)}} /></label>
        ${v.pins.length||v.proof?l`<button type="button" class="link" @click=${()=>v.clear()}>Empty it</button>`:f}
      </p>
      <p class="quiet">
        <code>rung lab --open FILE</code> shows a downloaded drawer again; <code>rung verify FILE</code> executes the proof in it again.
      </p>
      ${r.map(e=>l`<p class="quiet">
          ${e.pins.length} pins of an earlier run.
          <button type="button" class="link" @click=${()=>v.bringBack(e.key)}>Bring them back</button>
        </p>`)}
      <p class="status" role="status">${this.#s}</p>
    </aside>`}async#h(r){let e=r.target,n=e.files?.[0];n&&(await this.#c(async()=>v.open(await n.text())),e.value="")}async#c(r){this.#s="";try{await r()}catch(e){this.#s=e instanceof Error?e.message:String(e)}this.requestUpdate()}};customElements.define("rung-lab",Ir);
