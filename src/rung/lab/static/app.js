var pt=globalThis,ft=pt.ShadowRoot&&(pt.ShadyCSS===void 0||pt.ShadyCSS.nativeShadow)&&"adoptedStyleSheets"in Document.prototype&&"replace"in CSSStyleSheet.prototype,Er=Symbol(),Sr=new WeakMap,mt=class{constructor(n,e,r){if(this._$cssResult$=!0,r!==Er)throw Error("CSSResult is not constructable. Use `unsafeCSS` or `css` instead.");this.cssText=n,this.t=e}get styleSheet(){let n=this.o,e=this.t;if(ft&&n===void 0){let r=e!==void 0&&e.length===1;r&&(n=Sr.get(e)),n===void 0&&((this.o=n=new CSSStyleSheet).replaceSync(this.cssText),r&&Sr.set(e,n))}return n}toString(){return this.cssText}},_r=t=>new mt(typeof t=="string"?t:t+"",void 0,Er);var Rr=(t,n)=>{if(ft)t.adoptedStyleSheets=n.map(e=>e instanceof CSSStyleSheet?e:e.styleSheet);else for(let e of n){let r=document.createElement("style"),s=pt.litNonce;s!==void 0&&r.setAttribute("nonce",s),r.textContent=e.cssText,t.appendChild(r)}},Gt=ft?t=>t:t=>t instanceof CSSStyleSheet?(n=>{let e="";for(let r of n.cssRules)e+=r.cssText;return _r(e)})(t):t;var{is:bo,defineProperty:yo,getOwnPropertyDescriptor:$o,getOwnPropertyNames:wo,getOwnPropertySymbols:vo,getPrototypeOf:ko}=Object,gt=globalThis,qr=gt.trustedTypes,xo=qr?qr.emptyScript:"",Mo=gt.reactiveElementPolyfillSupport,Ve=(t,n)=>t,Yt={toAttribute(t,n){switch(n){case Boolean:t=t?xo:null;break;case Object:case Array:t=t==null?t:JSON.stringify(t)}return t},fromAttribute(t,n){let e=t;switch(n){case Boolean:e=t!==null;break;case Number:e=t===null?null:Number(t);break;case Object:case Array:try{e=JSON.parse(t)}catch{e=null}}return e}},Pr=(t,n)=>!bo(t,n),Nr={attribute:!0,type:String,converter:Yt,reflect:!1,useDefault:!1,hasChanged:Pr};Symbol.metadata??=Symbol("metadata"),gt.litPropertyMetadata??=new WeakMap;var re=class extends HTMLElement{static addInitializer(n){this._$Ei(),(this.l??=[]).push(n)}static get observedAttributes(){return this.finalize(),this._$Eh&&[...this._$Eh.keys()]}static createProperty(n,e=Nr){if(e.state&&(e.attribute=!1),this._$Ei(),this.prototype.hasOwnProperty(n)&&((e=Object.create(e)).wrapped=!0),this.elementProperties.set(n,e),!e.noAccessor){let r=Symbol(),s=this.getPropertyDescriptor(n,r,e);s!==void 0&&yo(this.prototype,n,s)}}static getPropertyDescriptor(n,e,r){let{get:s,set:o}=$o(this.prototype,n)??{get(){return this[e]},set(i){this[e]=i}};return{get:s,set(i){let a=s?.call(this);o?.call(this,i),this.requestUpdate(n,a,r)},configurable:!0,enumerable:!0}}static getPropertyOptions(n){return this.elementProperties.get(n)??Nr}static _$Ei(){if(this.hasOwnProperty(Ve("elementProperties")))return;let n=ko(this);n.finalize(),n.l!==void 0&&(this.l=[...n.l]),this.elementProperties=new Map(n.elementProperties)}static finalize(){if(this.hasOwnProperty(Ve("finalized")))return;if(this.finalized=!0,this._$Ei(),this.hasOwnProperty(Ve("properties"))){let e=this.properties,r=[...wo(e),...vo(e)];for(let s of r)this.createProperty(s,e[s])}let n=this[Symbol.metadata];if(n!==null){let e=litPropertyMetadata.get(n);if(e!==void 0)for(let[r,s]of e)this.elementProperties.set(r,s)}this._$Eh=new Map;for(let[e,r]of this.elementProperties){let s=this._$Eu(e,r);s!==void 0&&this._$Eh.set(s,e)}this.elementStyles=this.finalizeStyles(this.styles)}static finalizeStyles(n){let e=[];if(Array.isArray(n)){let r=new Set(n.flat(1/0).reverse());for(let s of r)e.unshift(Gt(s))}else n!==void 0&&e.push(Gt(n));return e}static _$Eu(n,e){let r=e.attribute;return r===!1?void 0:typeof r=="string"?r:typeof n=="string"?n.toLowerCase():void 0}constructor(){super(),this._$Ep=void 0,this.isUpdatePending=!1,this.hasUpdated=!1,this._$Em=null,this._$Ev()}_$Ev(){this._$ES=new Promise(n=>this.enableUpdating=n),this._$AL=new Map,this._$E_(),this.requestUpdate(),this.constructor.l?.forEach(n=>n(this))}addController(n){(this._$EO??=new Set).add(n),this.renderRoot!==void 0&&this.isConnected&&n.hostConnected?.()}removeController(n){this._$EO?.delete(n)}_$E_(){let n=new Map,e=this.constructor.elementProperties;for(let r of e.keys())this.hasOwnProperty(r)&&(n.set(r,this[r]),delete this[r]);n.size>0&&(this._$Ep=n)}createRenderRoot(){let n=this.shadowRoot??this.attachShadow(this.constructor.shadowRootOptions);return Rr(n,this.constructor.elementStyles),n}connectedCallback(){this.renderRoot??=this.createRenderRoot(),this.enableUpdating(!0),this._$EO?.forEach(n=>n.hostConnected?.())}enableUpdating(n){}disconnectedCallback(){this._$EO?.forEach(n=>n.hostDisconnected?.())}attributeChangedCallback(n,e,r){this._$AK(n,r)}_$ET(n,e){let r=this.constructor.elementProperties.get(n),s=this.constructor._$Eu(n,r);if(s!==void 0&&r.reflect===!0){let o=(r.converter?.toAttribute!==void 0?r.converter:Yt).toAttribute(e,r.type);this._$Em=n,o==null?this.removeAttribute(s):this.setAttribute(s,o),this._$Em=null}}_$AK(n,e){let r=this.constructor,s=r._$Eh.get(n);if(s!==void 0&&this._$Em!==s){let o=r.getPropertyOptions(s),i=typeof o.converter=="function"?{fromAttribute:o.converter}:o.converter?.fromAttribute!==void 0?o.converter:Yt;this._$Em=s;let a=i.fromAttribute(e,o.type);this[s]=a??this._$Ej?.get(s)??a,this._$Em=null}}requestUpdate(n,e,r,s=!1,o){if(n!==void 0){let i=this.constructor;if(s===!1&&(o=this[n]),r??=i.getPropertyOptions(n),!((r.hasChanged??Pr)(o,e)||r.useDefault&&r.reflect&&o===this._$Ej?.get(n)&&!this.hasAttribute(i._$Eu(n,r))))return;this.C(n,e,r)}this.isUpdatePending===!1&&(this._$ES=this._$EP())}C(n,e,{useDefault:r,reflect:s,wrapped:o},i){r&&!(this._$Ej??=new Map).has(n)&&(this._$Ej.set(n,i??e??this[n]),o!==!0||i!==void 0)||(this._$AL.has(n)||(this.hasUpdated||r||(e=void 0),this._$AL.set(n,e)),s===!0&&this._$Em!==n&&(this._$Eq??=new Set).add(n))}async _$EP(){this.isUpdatePending=!0;try{await this._$ES}catch(e){Promise.reject(e)}let n=this.scheduleUpdate();return n!=null&&await n,!this.isUpdatePending}scheduleUpdate(){return this.performUpdate()}performUpdate(){if(!this.isUpdatePending)return;if(!this.hasUpdated){if(this.renderRoot??=this.createRenderRoot(),this._$Ep){for(let[s,o]of this._$Ep)this[s]=o;this._$Ep=void 0}let r=this.constructor.elementProperties;if(r.size>0)for(let[s,o]of r){let{wrapped:i}=o,a=this[s];i!==!0||this._$AL.has(s)||a===void 0||this.C(s,void 0,o,a)}}let n=!1,e=this._$AL;try{n=this.shouldUpdate(e),n?(this.willUpdate(e),this._$EO?.forEach(r=>r.hostUpdate?.()),this.update(e)):this._$EM()}catch(r){throw n=!1,this._$EM(),r}n&&this._$AE(e)}willUpdate(n){}_$AE(n){this._$EO?.forEach(e=>e.hostUpdated?.()),this.hasUpdated||(this.hasUpdated=!0,this.firstUpdated(n)),this.updated(n)}_$EM(){this._$AL=new Map,this.isUpdatePending=!1}get updateComplete(){return this.getUpdateComplete()}getUpdateComplete(){return this._$ES}shouldUpdate(n){return!0}update(n){this._$Eq&&=this._$Eq.forEach(e=>this._$ET(e,this[e])),this._$EM()}updated(n){}firstUpdated(n){}};re.elementStyles=[],re.shadowRootOptions={mode:"open"},re[Ve("elementProperties")]=new Map,re[Ve("finalized")]=new Map,Mo?.({ReactiveElement:re}),(gt.reactiveElementVersions??=[]).push("2.1.2");var rn=globalThis,Cr=t=>t,bt=rn.trustedTypes,Or=bt?bt.createPolicy("lit-html",{createHTML:t=>t}):void 0,Ur="$lit$",ue=`lit$${Math.random().toFixed(9).slice(2)}$`,Dr="?"+ue,Ao=`<${Dr}>`,ye=document,Ge=()=>ye.createComment(""),Ye=t=>t===null||typeof t!="object"&&typeof t!="function",sn=Array.isArray,To=t=>sn(t)||typeof t?.[Symbol.iterator]=="function",Xt=`[ 	
\f\r]`,Ke=/<(?:(!--|\/[^a-zA-Z])|(\/?[a-zA-Z][^>\s]*)|(\/?$))/g,Lr=/-->/g,jr=/>/g,ge=RegExp(`>|${Xt}(?:([^\\s"'>=/]+)(${Xt}*=${Xt}*(?:[^ 	
\f\r"'\`<>=]|("|')|))|$)`,"g"),Hr=/'/g,zr=/"/g,Br=/^(?:script|style|textarea|title)$/i,on=t=>(n,...e)=>({_$litType$:t,strings:n,values:e}),l=on(1),_=on(2),ua=on(3),$e=Symbol.for("lit-noChange"),m=Symbol.for("lit-nothing"),Ir=new WeakMap,be=ye.createTreeWalker(ye,129);function Wr(t,n){if(!sn(t)||!t.hasOwnProperty("raw"))throw Error("invalid template strings array");return Or!==void 0?Or.createHTML(n):n}var So=(t,n)=>{let e=t.length-1,r=[],s,o=n===2?"<svg>":n===3?"<math>":"",i=Ke;for(let a=0;a<e;a++){let c=t[a],u,p,h=-1,d=0;for(;d<c.length&&(i.lastIndex=d,p=i.exec(c),p!==null);)d=i.lastIndex,i===Ke?p[1]==="!--"?i=Lr:p[1]!==void 0?i=jr:p[2]!==void 0?(Br.test(p[2])&&(s=RegExp("</"+p[2],"g")),i=ge):p[3]!==void 0&&(i=ge):i===ge?p[0]===">"?(i=s??Ke,h=-1):p[1]===void 0?h=-2:(h=i.lastIndex-p[2].length,u=p[1],i=p[3]===void 0?ge:p[3]==='"'?zr:Hr):i===zr||i===Hr?i=ge:i===Lr||i===jr?i=Ke:(i=ge,s=void 0);let b=i===ge&&t[a+1].startsWith("/>")?" ":"";o+=i===Ke?c+Ao:h>=0?(r.push(u),c.slice(0,h)+Ur+c.slice(h)+ue+b):c+ue+(h===-2?a:b)}return[Wr(t,o+(t[e]||"<?>")+(n===2?"</svg>":n===3?"</math>":"")),r]},Xe=class t{constructor({strings:n,_$litType$:e},r){let s;this.parts=[];let o=0,i=0,a=n.length-1,c=this.parts,[u,p]=So(n,e);if(this.el=t.createElement(u,r),be.currentNode=this.el.content,e===2||e===3){let h=this.el.content.firstChild;h.replaceWith(...h.childNodes)}for(;(s=be.nextNode())!==null&&c.length<a;){if(s.nodeType===1){if(s.hasAttributes())for(let h of s.getAttributeNames())if(h.endsWith(Ur)){let d=p[i++],b=s.getAttribute(h).split(ue),f=/([.?@])?(.*)/.exec(d);c.push({type:1,index:o,name:f[2],strings:b,ctor:f[1]==="."?Zt:f[1]==="?"?en:f[1]==="@"?tn:Re}),s.removeAttribute(h)}else h.startsWith(ue)&&(c.push({type:6,index:o}),s.removeAttribute(h));if(Br.test(s.tagName)){let h=s.textContent.split(ue),d=h.length-1;if(d>0){s.textContent=bt?bt.emptyScript:"";for(let b=0;b<d;b++)s.append(h[b],Ge()),be.nextNode(),c.push({type:2,index:++o});s.append(h[d],Ge())}}}else if(s.nodeType===8)if(s.data===Dr)c.push({type:2,index:o});else{let h=-1;for(;(h=s.data.indexOf(ue,h+1))!==-1;)c.push({type:7,index:o}),h+=ue.length-1}o++}}static createElement(n,e){let r=ye.createElement("template");return r.innerHTML=n,r}};function _e(t,n,e=t,r){if(n===$e)return n;let s=r!==void 0?e._$Co?.[r]:e._$Cl,o=Ye(n)?void 0:n._$litDirective$;return s?.constructor!==o&&(s?._$AO?.(!1),o===void 0?s=void 0:(s=new o(t),s._$AT(t,e,r)),r!==void 0?(e._$Co??=[])[r]=s:e._$Cl=s),s!==void 0&&(n=_e(t,s._$AS(t,n.values),s,r)),n}var Qt=class{constructor(n,e){this._$AV=[],this._$AN=void 0,this._$AD=n,this._$AM=e}get parentNode(){return this._$AM.parentNode}get _$AU(){return this._$AM._$AU}u(n){let{el:{content:e},parts:r}=this._$AD,s=(n?.creationScope??ye).importNode(e,!0);be.currentNode=s;let o=be.nextNode(),i=0,a=0,c=r[0];for(;c!==void 0;){if(i===c.index){let u;c.type===2?u=new Qe(o,o.nextSibling,this,n):c.type===1?u=new c.ctor(o,c.name,c.strings,this,n):c.type===6&&(u=new nn(o,this,n)),this._$AV.push(u),c=r[++a]}i!==c?.index&&(o=be.nextNode(),i++)}return be.currentNode=ye,s}p(n){let e=0;for(let r of this._$AV)r!==void 0&&(r.strings!==void 0?(r._$AI(n,r,e),e+=r.strings.length-2):r._$AI(n[e])),e++}},Qe=class t{get _$AU(){return this._$AM?._$AU??this._$Cv}constructor(n,e,r,s){this.type=2,this._$AH=m,this._$AN=void 0,this._$AA=n,this._$AB=e,this._$AM=r,this.options=s,this._$Cv=s?.isConnected??!0}get parentNode(){let n=this._$AA.parentNode,e=this._$AM;return e!==void 0&&n?.nodeType===11&&(n=e.parentNode),n}get startNode(){return this._$AA}get endNode(){return this._$AB}_$AI(n,e=this){n=_e(this,n,e),Ye(n)?n===m||n==null||n===""?(this._$AH!==m&&this._$AR(),this._$AH=m):n!==this._$AH&&n!==$e&&this._(n):n._$litType$!==void 0?this.$(n):n.nodeType!==void 0?this.T(n):To(n)?this.k(n):this._(n)}O(n){return this._$AA.parentNode.insertBefore(n,this._$AB)}T(n){this._$AH!==n&&(this._$AR(),this._$AH=this.O(n))}_(n){this._$AH!==m&&Ye(this._$AH)?this._$AA.nextSibling.data=n:this.T(ye.createTextNode(n)),this._$AH=n}$(n){let{values:e,_$litType$:r}=n,s=typeof r=="number"?this._$AC(n):(r.el===void 0&&(r.el=Xe.createElement(Wr(r.h,r.h[0]),this.options)),r);if(this._$AH?._$AD===s)this._$AH.p(e);else{let o=new Qt(s,this),i=o.u(this.options);o.p(e),this.T(i),this._$AH=o}}_$AC(n){let e=Ir.get(n.strings);return e===void 0&&Ir.set(n.strings,e=new Xe(n)),e}k(n){sn(this._$AH)||(this._$AH=[],this._$AR());let e=this._$AH,r,s=0;for(let o of n)s===e.length?e.push(r=new t(this.O(Ge()),this.O(Ge()),this,this.options)):r=e[s],r._$AI(o),s++;s<e.length&&(this._$AR(r&&r._$AB.nextSibling,s),e.length=s)}_$AR(n=this._$AA.nextSibling,e){for(this._$AP?.(!1,!0,e);n!==this._$AB;){let r=Cr(n).nextSibling;Cr(n).remove(),n=r}}setConnected(n){this._$AM===void 0&&(this._$Cv=n,this._$AP?.(n))}},Re=class{get tagName(){return this.element.tagName}get _$AU(){return this._$AM._$AU}constructor(n,e,r,s,o){this.type=1,this._$AH=m,this._$AN=void 0,this.element=n,this.name=e,this._$AM=s,this.options=o,r.length>2||r[0]!==""||r[1]!==""?(this._$AH=Array(r.length-1).fill(new String),this.strings=r):this._$AH=m}_$AI(n,e=this,r,s){let o=this.strings,i=!1;if(o===void 0)n=_e(this,n,e,0),i=!Ye(n)||n!==this._$AH&&n!==$e,i&&(this._$AH=n);else{let a=n,c,u;for(n=o[0],c=0;c<o.length-1;c++)u=_e(this,a[r+c],e,c),u===$e&&(u=this._$AH[c]),i||=!Ye(u)||u!==this._$AH[c],u===m?n=m:n!==m&&(n+=(u??"")+o[c+1]),this._$AH[c]=u}i&&!s&&this.j(n)}j(n){n===m?this.element.removeAttribute(this.name):this.element.setAttribute(this.name,n??"")}},Zt=class extends Re{constructor(){super(...arguments),this.type=3}j(n){this.element[this.name]=n===m?void 0:n}},en=class extends Re{constructor(){super(...arguments),this.type=4}j(n){this.element.toggleAttribute(this.name,!!n&&n!==m)}},tn=class extends Re{constructor(n,e,r,s,o){super(n,e,r,s,o),this.type=5}_$AI(n,e=this){if((n=_e(this,n,e,0)??m)===$e)return;let r=this._$AH,s=n===m&&r!==m||n.capture!==r.capture||n.once!==r.once||n.passive!==r.passive,o=n!==m&&(r===m||s);s&&this.element.removeEventListener(this.name,this,r),o&&this.element.addEventListener(this.name,this,n),this._$AH=n}handleEvent(n){typeof this._$AH=="function"?this._$AH.call(this.options?.host??this.element,n):this._$AH.handleEvent(n)}},nn=class{constructor(n,e,r){this.element=n,this.type=6,this._$AN=void 0,this._$AM=e,this.options=r}get _$AU(){return this._$AM._$AU}_$AI(n){_e(this,n)}};var Eo=rn.litHtmlPolyfillSupport;Eo?.(Xe,Qe),(rn.litHtmlVersions??=[]).push("3.3.3");var Fr=(t,n,e)=>{let r=e?.renderBefore??n,s=r._$litPart$;if(s===void 0){let o=e?.renderBefore??null;r._$litPart$=s=new Qe(n.insertBefore(Ge(),o),o,void 0,e??{})}return s._$AI(t),s};var an=globalThis,H=class extends re{constructor(){super(...arguments),this.renderOptions={host:this},this._$Do=void 0}createRenderRoot(){let n=super.createRenderRoot();return this.renderOptions.renderBefore??=n.firstChild,n}update(n){let e=this.render();this.hasUpdated||(this.renderOptions.isConnected=this.isConnected),super.update(n),this._$Do=Fr(e,this.renderRoot,this.renderOptions)}connectedCallback(){super.connectedCallback(),this._$Do?.setConnected(!0)}disconnectedCallback(){super.disconnectedCallback(),this._$Do?.setConnected(!1)}render(){return $e}};H._$litElement$=!0,H.finalized=!0,an.litElementHydrateSupport?.({LitElement:H});var _o=an.litElementPolyfillSupport;_o?.({LitElement:H});(an.litElementVersions??=[]).push("4.2.2");var Ro=[[0,34,78],[18,53,112],[59,73,108],[87,93,109],[112,113,115],[138,134,120],[165,156,116],[195,179,105],[225,204,85],[254,232,56]],qo=[[45,0,75],[84,39,136],[128,115,172],[178,171,210],[216,218,235],[247,247,247],[254,224,182],[253,184,99],[224,130,20],[179,88,6],[127,59,8]];function Jr(t,n){let e=Math.min(Math.max(Number.isNaN(n)?0:n,0),1)*(t.length-1),r=Math.min(Math.floor(e),t.length-2),[s,o,i]=[t[r],t[r+1],e-r];return[0,1,2].map(a=>Math.round(s[a]+i*(o[a]-s[a])))}var yt=t=>Jr(Ro,t),Vr=t=>Jr(qo,(t+1)/2);var se=(t,n=0)=>t==="route"||t==="match"||t==="copy"?`var(--${t})`:`var(--series-${n%6})`,ln=(t,n)=>l`<span class="role ${t}">${n}</span>`,we=(t="route")=>ln("route",t),ce=(t="match")=>ln("match",t),$t=(t="copy")=>ln("copy",t);var un=new Set,cn=null,Kr=()=>{for(let t of[...un])t()},k={current:null,set(t){cn=t,k.current!==t&&(k.current=t,Kr())},peek(t){let n=t??cn;k.current!==n&&(k.current=n,Kr())},subscribe(t){return un.add(t),()=>un.delete(t)}},K=class extends H{constructor(){super(...arguments);this.leave=null}createRenderRoot(){return this}connectedCallback(){super.connectedCallback(),this.leave=k.subscribe(()=>this.requestUpdate())}disconnectedCallback(){super.disconnectedCallback(),this.leave?.()}},No={"role:route":"route","role:previous_token":"route","role:match":"match","role:induction":"match","role:copy":"copy"},hn=class extends K{constructor(){super(...arguments);this.key="";this.text=""}static{this.properties={key:{},text:{}}}render(){let e=k.current===this.key;return l`<button
      type="button"
      class="word ${No[this.key]??""}"
      aria-pressed=${e?"true":"false"}
      @click=${()=>k.set(e&&cn===this.key?null:this.key)}
      @pointerenter=${()=>k.peek(this.key)}
      @pointerleave=${()=>k.peek(null)}
    >${this.text}</button>`}};customElements.define("rung-word",hn);var R=(t,n)=>l`<rung-word .key=${t} .text=${n}></rung-word>`;var Gr="−",dn=t=>t.replace("-",Gr);function $(t,n=2){if(Number.isNaN(t))return"–";if(!Number.isFinite(t))return t>0?"∞":`${Gr}∞`;let e=Math.abs(t);return e!==0&&(e<.5*10**-n||e>=1e6)?dn(t.toExponential(1).replace("e+","e")):dn(t.toFixed(n))}var O=(t,n=0)=>Number.isNaN(t)?"–":`${dn((100*t).toFixed(n))} %`,D=(t,n=2)=>t>0?`+${$(t,n)}`:$(t,n),N=(t,n=2)=>`${$(t,n)} nats`,qe=(t,n,e=2)=>`[${$(t,e)}, ${$(n,e)}]`;function oe(t){let n=t.replace(/ /g,"·").replace(/\n/g,"⏎").replace(/\t/g,"⇥").replace(/\r/g,"␍").replace(/[\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,e=>`\\u${e.charCodeAt(0).toString(16).padStart(4,"0")}`);return n===""?"∅":n}var ie=t=>l`<code class="token">${oe(t)}</code>`;var pn="rung-theme",wt=new Set,Yr=()=>matchMedia("(prefers-color-scheme: dark)"),ae={get choice(){let t=document.documentElement.dataset.theme;return t==="light"||t==="dark"?t:"system"},get dark(){return ae.choice==="system"?Yr().matches:ae.choice==="dark"},set(t){t==="system"?delete document.documentElement.dataset.theme:document.documentElement.dataset.theme=t;try{t==="system"?localStorage.removeItem(pn):localStorage.setItem(pn,t)}catch{}for(let n of[...wt])n()},start(){try{let t=localStorage.getItem(pn);(t==="light"||t==="dark")&&(document.documentElement.dataset.theme=t)}catch{}Yr().addEventListener("change",()=>{for(let t of[...wt])t()})},subscribe(t){return wt.add(t),()=>wt.delete(t)}};var z=class extends K{constructor(){super(...arguments);this.width=0;this.#e=null;this.#t=null}#e;#t;connectedCallback(){super.connectedCallback(),this.#t=ae.subscribe(()=>this.requestUpdate()),this.#e=new ResizeObserver(e=>{let r=Math.floor(e[0].contentRect.width);r!==this.width&&(this.width=r,requestAnimationFrame(()=>this.requestUpdate()))}),this.#e.observe(this),this.width=Math.floor(this.getBoundingClientRect().width)}disconnectedCallback(){super.disconnectedCallback(),this.#e?.disconnect(),this.#t?.()}};function he(t,n,e,r,s){return l`<button type="button" class="link table-button" aria-expanded=${t?"true":"false"} @click=${n}>
      ${t?"Hide table":"Table"}
    </button>
    ${t?l`<div class="table-scroll" tabindex="0" role="region" aria-label="Table: ${e}">
          <table>
            <caption class="sr">${e}</caption>
            <thead><tr>${r.map(o=>l`<th scope="col">${o}</th>`)}</tr></thead>
            <tbody>
              ${s().map(o=>l`<tr>${o.map((i,a)=>a===0?l`<th scope="row">${i}</th>`:l`<td>${i}</td>`)}</tr>`)}
            </tbody>
          </table>
        </div>`:m}`}var mn=class extends z{constructor(){super(...arguments);this.items=[];this.unit="";this.label="";this.signed=!1;this.domain=null;this.rules=[];this.layout="rows";this.digits=2;this.tokens=!1;this.at=0;this.table=!1;this.keys=e=>{if(e.ctrlKey||e.metaKey||e.altKey)return;let r=this.items.length-1;if(e.key==="ArrowLeft")this.move(this.at-1);else if(e.key==="ArrowRight")this.move(this.at+1);else if(e.key==="Home")this.move(0);else if(e.key==="End")this.move(r);else if(e.key==="m")this.move(this.items.reduce((s,o,i)=>o.value>this.items[s].value?i:s,0));else if(e.key==="t")this.table=!this.table;else if(e.key==="Enter"||e.key===" ")this.choose(this.items[this.at],this.at);else return;e.preventDefault()}}static{this.properties={items:{attribute:!1},unit:{},label:{},signed:{type:Boolean},domain:{attribute:!1},rules:{attribute:!1},layout:{},digits:{type:Number},tokens:{type:Boolean},at:{state:!0},table:{state:!0}}}ends(){if(this.domain)return this.domain;let e=this.items.flatMap(o=>[o.value,o.low,o.high,o.predicted].filter(i=>typeof i=="number"&&Number.isFinite(i)));e.push(...this.rules.map(o=>o.at));let r=Math.max(0,...e),s=Math.min(0,...e);return s===r?[0,1]:[s,r]}text(e){return this.tokens?oe(e):e}value(e){return this.signed?D(e.value,this.digits):$(e.value,this.digits)}groups(){return[...new Set(this.items.map(e=>e.group).filter(e=>e!==void 0))]}ink(e){return e.role?se(e.role):e.group!==void 0?se(void 0,this.groups().indexOf(e.group)):"var(--bar)"}choose(e,r){e.key&&k.set(k.current===e.key?null:e.key),this.dispatchEvent(new CustomEvent("pick",{detail:{index:r},bubbles:!0}))}render(){return this.layout==="columns"?this.columns():this.rowsOf()}legend(){let e=this.groups(),r=this.items.some(o=>typeof o.predicted=="number"),s=this.items.some(o=>o.low!==void 0);return!e.length&&!r&&!s&&!this.rules.length?m:l`<ul class="legend">
      ${e.map((o,i)=>{let a=this.items.find(c=>c.group===o);return l`<li><svg class="swatch" viewBox="0 0 12 12" aria-hidden="true"><rect width="12" height="12" rx="2" fill=${a.role?se(a.role):se(void 0,i)}></rect></svg>${o}</li>`})}
      ${r?l`<li><svg class="swatch" viewBox="0 0 12 12" aria-hidden="true"><path d="M6 1L11 6L6 11L1 6Z" class="guess"></path></svg>your prediction</li>`:m}
      ${s?l`<li><svg class="swatch wide" viewBox="0 0 20 12" aria-hidden="true"><path d="M2 6H18M2 2V10M18 2V10" class="whisker"></path></svg>interval</li>`:m}
      ${this.rules.map(o=>l`<li><svg class="swatch wide" viewBox="0 0 20 12" aria-hidden="true"><path d="M0 6H20" class="rule"></path></svg>${o.label} (${$(o.at,this.digits)})</li>`)}
    </ul>`}rowsOf(){let[e,r]=this.ends(),s=r-e||1,o=i=>1e3*(Math.min(Math.max(i,e),r)-e)/s;return l`<table class="bars">
        <caption class="sr">${this.label}${this.unit?`, in ${this.unit}`:""}</caption>
        <thead class="sr"><tr><th scope="col">name</th><th scope="col">bar</th><th scope="col">${this.unit||"value"}</th></tr></thead>
        <tbody>
          ${this.items.map((i,a)=>{let c=i.key!==void 0&&k.current===i.key,[u,p]=[o(Math.min(0,i.value)),o(Math.max(0,i.value))],h=typeof i.predicted=="number"?i.predicted:null;return l`<tr class=${c?"lit":""} @pointerenter=${()=>i.key&&k.peek(i.key)} @pointerleave=${()=>i.key&&k.peek(null)}>
              <th scope="row">
                ${i.key?l`<button type="button" class="word" aria-pressed=${c?"true":"false"} @click=${()=>this.choose(i,a)}>${this.text(i.label)}</button>`:this.text(i.label)}
                ${i.role?l`<span class="role-tag ${i.role}">${i.role}</span>`:m}
              </th>
              <td class="track">
                <svg viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true">
                  ${this.rules.map(d=>_`<line x1=${o(d.at)} x2=${o(d.at)} y1="0" y2="20" class="rule" vector-effect="non-scaling-stroke"></line>`)}
                  <rect x=${u} y="4" width=${Math.max(p-u,0)} height="12" fill=${this.ink(i)}></rect>
                  <line x1=${o(0)} x2=${o(0)} y1="0" y2="20" class="zero" vector-effect="non-scaling-stroke"></line>
                  ${i.low!==void 0&&i.high!==void 0?_`<path d="M${o(i.low)} 10H${o(i.high)}M${o(i.low)} 5V15M${o(i.high)} 5V15" class="whisker" vector-effect="non-scaling-stroke"></path>`:m}
                </svg>
                ${h===null?m:l`<svg class="guess-at" x="0" viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true"><line x1=${o(h)} x2=${o(h)} y1="1" y2="19" class="guess" vector-effect="non-scaling-stroke"></line></svg>`}
              </td>
              <td class="value">
                ${this.value(i)}${i.low!==void 0&&i.high!==void 0?l` <span class="quiet">${qe(i.low,i.high,this.digits)}</span>`:m}
                ${h===null?m:l`<span class="quiet guess-text">you: ${$(h,this.digits)}</span>`}
                ${i.note?l`<span class="quiet">${i.note}</span>`:m}
              </td>
            </tr>`})}
        </tbody>
      </table>
      ${this.unit?l`<p class="unit quiet">${this.unit}</p>`:m} ${this.legend()}`}columns(){let[e,r]=this.ends(),s=this.width||600,o=180,i=40,c=Math.max(s-i-4,40)/Math.max(this.items.length,1),u=h=>8+(o-16)*(r-Math.min(Math.max(h,e),r))/(r-e||1),p=this.items[Math.min(this.at,this.items.length-1)];return l`<div class="columns" tabindex="0" role="application" aria-roledescription="bar chart"
        aria-label="${this.label}. Arrow keys move, m goes to the largest, t shows the table." @keydown=${this.keys}>
        <svg width=${s} height=${o} aria-hidden="true">
          ${[e,r].map(h=>_`<text x=${i-6} y=${u(h)+(h===r?8:0)} class="tick" text-anchor="end">${$(h,1)}</text>`)}
          <line x1=${i} x2=${s} y1=${u(0)} y2=${u(0)} class="zero"></line>
          ${this.items.map((h,d)=>{let b=i+d*c,[f,y]=[u(Math.max(h.value,0)),u(Math.min(h.value,0))],A=h.key!==void 0&&k.current===h.key;return _`<g class="column ${A?"lit":""} ${d===this.at?"here":""}" @pointerenter=${()=>this.move(d)} @click=${()=>this.choose(h,d)}>
              <rect x=${b} y="0" width=${c} height=${o} class="hit"></rect>
              <rect x=${b+c*.1} y=${f} width=${c*.8} height=${Math.max(y-f,.5)} fill=${this.ink(h)}></rect>
              ${h.low!==void 0&&h.high!==void 0?_`<path d="M${b+c/2} ${u(h.low)}V${u(h.high)}" class="whisker"></path>`:m}
              ${typeof h.predicted=="number"?_`<path d="M${b} ${u(h.predicted)}h${c}" class="guess"></path>`:m}
            </g>`})}
          ${this.rules.map(h=>_`<line x1=${i} x2=${s} y1=${u(h.at)} y2=${u(h.at)} class="rule"></line><text x=${s-4} y=${u(h.at)-4} class="tick halo" text-anchor="end">${h.label} ${$(h.at,this.digits)}</text>`)}
        </svg>
      </div>
      <p class="readout" aria-live="polite">${p?`${this.at} ${this.text(p.label)}: ${this.value(p)} ${this.unit}${typeof p.predicted=="number"?`, you ${$(p.predicted,this.digits)}`:""}`:""}</p>
      ${this.legend()}
      ${he(this.table,()=>this.table=!this.table,this.label,["","name",this.unit||"value",...this.items.some(h=>typeof h.predicted=="number")?["predicted"]:[]],()=>this.items.map((h,d)=>[String(d),this.text(h.label),this.value(h),...typeof h.predicted=="number"?[$(h.predicted,this.digits)]:[]]))}`}move(e){this.at=Math.min(Math.max(e,0),this.items.length-1);let r=this.items[this.at]?.key;r&&k.peek(r)}};customElements.define("rung-bars",mn);var[Xr,ve,fn]=[56,52,40],gn=class extends z{constructor(){super(...arguments);this.nodes=[];this.edges=[];this.label="Diagram";this.table=!1}static{this.properties={nodes:{attribute:!1},edges:{attribute:!1},label:{},table:{state:!0}}}columns(){let e=new Map;for(let r of this.nodes)e.set(r.id,r.column??0);for(let r=0;r<this.nodes.length;r++)for(let s of this.edges){let o=this.nodes.find(i=>i.id===s.to);!o||o.column!==void 0||e.set(s.to,Math.max(e.get(s.to)??0,Math.min((e.get(s.from)??0)+1,this.nodes.length)))}return e}render(){let e=this.columns(),r=Math.max(1,...[...e.values()].map(d=>d+1)),s=Math.max(this.width||640,260),o=(s-(r-1)*Xr)/r<92,i=Array.from({length:r},()=>[]);for(let d of this.nodes)i[e.get(d.id)].push(d);for(let d of i)d.sort((b,f)=>(b.row??0)-(f.row??0));let a=Math.max(1,...i.map(d=>d.length)),c=o?10:Xr,u=o?Math.min(180,(s-(a-1)*c)/a):Math.min(190,(s-(r-1)*c)/r),p=(o?r:a)*(ve+fn)-fn+24,h=new Map;return i.forEach((d,b)=>d.forEach((f,y)=>{let A=f.row??y+(a-d.length)/2,w=o?(s-d.length*(u+c)+c)/2+y*(u+c):r===1?(s-u)/2:b*(s-u)/(r-1);h.set(f.id,{...f,x:w,y:12+(o?b:A)*(ve+fn)})})),l`<figure class="flow">
      <svg width=${s} height=${p} role="img" aria-label=${this.label}>
        <defs>
          ${["ink","route","match","copy"].map(d=>_`<marker id="tip-${d}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8Z" fill="var(--${d})"></path></marker>`)}
        </defs>
        ${this.edges.map(d=>this.edge(d,h,u,o))} ${[...h.values()].map(d=>this.node(d,u))}
      </svg>
      ${he(this.table,()=>this.table=!this.table,this.label,["from","to","what","value"],()=>[...this.nodes.filter(d=>d.value!==void 0).map(d=>[d.label,"",d.role??"",d.value]),...this.edges.map(d=>[h.get(d.from)?.label??d.from,h.get(d.to)?.label??d.to,`${d.label??""}${d.broken?" (broken)":""}`,d.value??""])])}
    </figure>`}edge(e,r,s,o){let[i,a]=[r.get(e.from),r.get(e.to)];if(!i||!a)return m;let[c,u]=o?[i.x+s/2,i.y+ve]:[i.x+s,i.y+ve/2],[p,h]=o?[a.x+s/2,a.y-2]:[a.x-2,a.y+ve/2],d=o?`M${c} ${u}C${c} ${u+20} ${p} ${h-20} ${p} ${h}`:`M${c} ${u}C${c+28} ${u} ${p-28} ${h} ${p} ${h}`,b=e.role==="route"||e.role==="match"||e.role==="copy"?e.role:"ink",f=e.key!==void 0&&k.current===e.key,y=[e.label,e.value].filter(Boolean).join(" ");return _`<g class="edge ${e.broken?"broken":""} ${f?"lit":""}">
      <path d=${d} fill="none" stroke="var(--${b})" stroke-width=${1.5+3*(e.weight??0)} stroke-dasharray=${e.broken?"3 5":"none"} marker-end="url(#tip-${b})"></path>
      ${e.broken?_`<path d="M${(c+p)/2-6} ${(u+h)/2-6}l12 12m0 -12l-12 12" class="cross"></path>`:m}
      ${y?_`<text x=${(c+p)/2+(o?8:0)} y=${(u+h)/2-(o?-4:8)} text-anchor=${o?"start":"middle"} class="edge-text halo">${y}</text>`:m}
    </g>`}node(e,r){let s=e.key!==void 0&&k.current===e.key,o=e.role==="route"||e.role==="match"||e.role==="copy"?e.role:"",i=Math.min(Math.max(e.fill??0,0),1);return _`<g class="node ${o} ${s?"lit":""} ${e.key?"press":""}" @click=${()=>e.key&&k.set(s?null:e.key)}
        @pointerenter=${()=>e.key&&k.peek(e.key)} @pointerleave=${()=>e.key&&k.peek(null)}>
      <rect x=${e.x} y=${e.y} width=${r} height=${ve} rx="8" class="box"></rect>
      ${i>0?_`<rect x=${e.x} y=${e.y+ve-5} width=${r*i} height="5" rx="2" class="level"></rect>`:m}
      <text x=${e.x+r/2} y=${e.y+(e.value===void 0?31:22)} text-anchor="middle" class="node-label">${e.label}</text>
      ${e.value===void 0?m:_`<text x=${e.x+r/2} y=${e.y+40} text-anchor="middle" class="node-value">${e.value}</text>`}
    </g>`}};customElements.define("rung-flow",gn);var Ze=64,bn=class extends z{constructor(){super(...arguments);this.grid=null;this.rows=[];this.cols=[];this.scale="unit";this.guides=[];this.marks=[];this.label="";this.rowName="row";this.colName="column";this.domain=null;this.focusKey=null;this.size=420;this.digits=3;this.causal=!1;this.row=0;this.col=0;this.table=!1;this.#e=!1;this.key=e=>{if(e.ctrlKey||e.metaKey||e.altKey||!this.grid)return;let{row:r,col:s}=this,[o,i]=this.shape,a=e.shiftKey?8:1,u={ArrowUp:[r-a,s],ArrowDown:[r+a,s],ArrowLeft:[r,s-a],ArrowRight:[r,s+a],Home:[r,0],End:[r,this.causal?Math.min(r,i-1):i-1],PageUp:[0,s],PageDown:[o-1,s]}[e.key];if(u)this.go(u[0],u[1],!0);else if(e.key==="m")this.go(r,this.strongest(r),!0);else if(e.key==="t")this.table=!this.table;else if(e.key==="Enter"||e.key===" ")this.go(r,s,!0);else return;e.preventDefault()};this.point=e=>{let r=this.cellOf(e);r&&(r[0]!==this.row||r[1]!==this.col||!this.#e)&&this.go(r[0],r[1],!1)};this.choose=e=>{let r=this.cellOf(e);r&&this.go(r[0],r[1],!0)}}static{this.properties={grid:{attribute:!1},rows:{attribute:!1},cols:{attribute:!1},scale:{},guides:{attribute:!1},marks:{attribute:!1},label:{},rowName:{},colName:{},domain:{attribute:!1},focusKey:{attribute:!1},size:{type:Number},digits:{type:Number},causal:{type:Boolean},row:{state:!0},col:{state:!0},table:{state:!0}}}#e;get shape(){return[this.grid?.shape[0]??0,this.grid?.shape[1]??0]}ends(){if(this.domain)return this.domain;if(this.scale==="unit"||!this.grid)return[0,1];let e=Math.max(Math.abs(this.grid.max()),Math.abs(this.grid.min()))||1;return[-e,e]}value(e,r){let s=this.grid.at(e,r);return this.scale==="signed"?D(s,this.digits):$(s,this.digits)}name(e,r){return e[r]===void 0?String(r):`${oe(e[r])}`}readout(){let{row:e,col:r}=this;return`${this.rowName} ${e} ${this.rows.length?this.name(this.rows,e):""} → ${this.colName} ${r} ${this.cols.length?this.name(this.cols,r):""}: ${this.value(e,r)}`}willUpdate(e){if(e.has("grid")){let[r,s]=this.shape;this.row=Math.min(this.row,Math.max(r-1,0)),this.col=Math.min(this.col,Math.max(s-1,0))}}render(){if(!this.grid)return l`<p class="quiet">Nothing to show yet.</p>`;let[e,r]=this.ends(),s=this.scale==="signed"?[e,0,r]:[e,(e+r)/2,r];return l`<div class="heatmap">
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
          >${s.map(o=>l`<span>${this.scale==="signed"?D(o):e===0&&r===1?O(o):$(o)}</span>`)}</span
        >
      </div>
      ${this.guides.length?l`<ul class="guides">
            ${this.guides.map((o,i)=>l`<li><span class="dash d${i%3} ${o.role??""}" aria-hidden="true"></span>${o.label}</li>`)}
          </ul>`:m}
      ${he(this.table,()=>this.table=!this.table,this.label,[`${this.rowName} \\ ${this.colName}`,...this.visible(1).map(o=>`${o} ${this.cols.length?this.name(this.cols,o):""}`)],()=>this.visible(0).map(o=>[`${o} ${this.rows.length?this.name(this.rows,o):""}`,...this.visible(1).map(i=>this.causal&&i>o?"":this.value(o,i))]))}
      ${this.table&&Math.max(...this.shape)>Ze?l`<p class="quiet">The table shows ${Ze} around the chosen cell.</p>`:m}
    </div>`}visible(e){let r=this.shape[e],s=e===0?this.row:this.col,o=Math.max(0,Math.min(r-Ze,s-Ze/2));return Array.from({length:Math.min(r,Ze)},(i,a)=>o+a)}updated(){this.draw()}layout(){let[e,r]=this.shape,s=Math.max(80,Math.min(this.size,this.width||this.size)),o=Math.max(1,Math.min(s/Math.max(r,1),this.size/Math.max(e,1),40));return{cell:o,left:0,top:0,w:o*r,h:o*e}}draw(){let e=this.querySelector("canvas"),r=e?.getContext("2d");if(!e||!r||!this.grid)return;let[s,o]=this.shape,{cell:i,w:a,h:c}=this.layout(),u=window.devicePixelRatio||1;e.width=Math.ceil(a*u),e.height=Math.ceil(c*u),e.style.width=`${a}px`,e.style.height=`${c}px`;let p=getComputedStyle(this),h=(w,g)=>p.getPropertyValue(w).trim()||g,[d,b]=this.ends(),f=new ImageData(Math.max(o,1),Math.max(s,1));for(let w=0;w<s;w++)for(let g=0;g<o;g++){if(this.causal&&g>w)continue;let M=this.grid.at(w,g),T=this.scale==="signed"?Vr(M/Math.max(Math.abs(d),Math.abs(b))):yt((M-d)/(b-d||1));f.data.set([...T,255],4*(w*o+g))}let y=document.createElement("canvas");y.width=Math.max(o,1),y.height=Math.max(s,1),y.getContext("2d").putImageData(f,0,0),r.setTransform(u,0,0,u,0,0),r.imageSmoothingEnabled=!1,r.clearRect(0,0,a,c),r.drawImage(y,0,0,a,c),this.guides.forEach((w,g)=>{for(let[M,T]of[[4,h("--paper","#fff")],[2,h(w.role?`--${w.role}`:"--guide","#d55e00")]]){if(r.lineWidth=M,r.strokeStyle=T,r.setLineDash(M===4?[]:[[6,4],[2,3],[10,3,2,3]][g%3]),r.beginPath(),w.kind==="diagonal"){let q=Math.max(0,-w.offset),C=Math.min(s,o-w.offset);r.moveTo((q+w.offset)*i,q*i),r.lineTo((C+w.offset)*i,C*i)}else w.kind==="row"?(r.moveTo(0,(w.offset+.5)*i),r.lineTo(a,(w.offset+.5)*i)):(r.moveTo((w.offset+.5)*i,0),r.lineTo((w.offset+.5)*i,c));r.stroke()}}),r.setLineDash([]);let A=(w,g,M,T)=>{r.lineWidth=T+2,r.strokeStyle=h("--paper","#fff"),r.strokeRect(g*i,w*i,i,i),r.lineWidth=T,r.strokeStyle=M,r.strokeRect(g*i,w*i,i,i)};for(let w of this.marks)A(w.row,w.col,h(w.role?`--${w.role}`:"--accent","#d55e00"),2);if(this.focusKey&&k.current!==null)for(let w=0;w<s;w++)for(let g=0;g<o;g++)this.focusKey(w,g)===k.current&&A(w,g,h("--accent","#06c"),2);this.#e&&A(this.row,this.col,h("--ink","#000"),2)}active(e){this.#e=e,!e&&this.focusKey&&k.peek(null),this.draw()}go(e,r,s){let[o,i]=this.shape;this.row=Math.min(Math.max(e,0),o-1),this.col=Math.min(Math.max(r,0),i-1),this.#e=!0,this.focusKey&&k.peek(this.focusKey(this.row,this.col)),s&&this.dispatchEvent(new CustomEvent("cell",{detail:{row:this.row,col:this.col},bubbles:!0})),this.requestUpdate()}strongest(e){let[,r]=this.shape,s=0,o=i=>this.scale==="signed"?Math.abs(this.grid.at(e,i)):this.grid.at(e,i);for(let i=1;i<r;i++)!(this.causal&&i>e)&&o(i)>o(s)&&(s=i);return s}cellOf(e){let r=this.querySelector("canvas");if(!r)return null;let s=r.getBoundingClientRect(),[o,i]=this.shape,a=Math.floor((e.clientY-s.top)/s.height*o),c=Math.floor((e.clientX-s.left)/s.width*i);return a<0||c<0||a>=o||c>=i?null:[a,c]}};customElements.define("rung-heatmap",bn);var vt=["behaviour","clue","contribution","causal support","mechanism"],Po=["Is there anything to explain?","Where does each head look?","Which component pushes the right token?","Does the model rely on it, for the reason claimed?","Is it built to do that?"],Co={holds:"✓",fails:"✗",contradicted:"✗",inconclusive:"?","not applicable":"–","not run":"○"},$n=class extends z{constructor(){super(...arguments);this.measurements=[];this.verdict=null;this.label="Evidence ladder"}static{this.properties={measurements:{attribute:!1},verdict:{attribute:!1},label:{}}}render(){return l`<div class="ladder" role="group" aria-label=${this.label}>
      ${this.verdict?l`<p class="verdict"><strong>${this.verdict.sentence}</strong></p>`:m}
      <ol reversed>
        ${[4,3,2,1,0].map(e=>this.rung(e))}
      </ol>
    </div>`}rung(e){let r=this.measurements.filter(a=>a.rung===e),s=r.filter(a=>a.required!==!1),o=s.filter(a=>a.outcome==="holds").length,i=this.verdict!==null&&this.verdict.rung>=e;return l`<li class="rung ${i?"reached":""}">
      <p class="rung-name">
        <span class="rung-number" aria-hidden="true">${e}</span> <strong>${vt[e]}</strong>
        <span class="quiet">${Po[e]}</span>
        <span class="rung-state">${s.length?`${o} of ${s.length} required tests hold`:r.length?"":"not measured"}</span>
      </p>
      ${r.length?l`<div class="table-scroll" tabindex="0" role="region" aria-label="Tests of ${vt[e]}">
            <table>
              <thead class=${e===4?"":"sr"}>
                <tr><th scope="col">outcome</th><th scope="col">test</th><th scope="col">effect</th><th scope="col">interval</th><th scope="col">floor</th><th scope="col">control</th><th scope="col">n</th></tr>
              </thead>
              <tbody>
                ${r.map(a=>l`<tr class="outcome-${a.outcome.replace(" ","-")} ${a.required===!1?"shown":""}">
                    <td class="outcome"><span aria-hidden="true">${Co[a.outcome]}</span> ${a.outcome}</td>
                    <th scope="row">${a.title}${a.subject?l` <span class="quiet">${a.subject}</span>`:m}${a.required===!1?l` <span class="quiet">shown only</span>`:m}${a.note?l`<br /><span class="quiet">${a.note}</span>`:m}</th>
                    <td>${yn(a.value)} ${a.unit??""}</td>
                    <td>${typeof a.low=="number"&&typeof a.high=="number"?qe(a.low,a.high):"–"}</td>
                    <td>${yn(a.floor)}</td>
                    <td>${yn(a.control)}</td>
                    <td>${typeof a.n=="number"?a.n:"–"}</td>
                  </tr>`)}
              </tbody>
            </table>
          </div>`:m}
    </li>`}},yn=t=>typeof t=="number"?$(t):"–";customElements.define("rung-ladder",$n);function et(t,n){return t==null||n==null?NaN:t<n?-1:t>n?1:t>=n?0:NaN}function Oo(t,n){return t==null||n==null?NaN:n<t?-1:n>t?1:n>=t?0:NaN}function Qr(t){let n,e,r;t.length!==2?(n=et,e=(a,c)=>et(t(a),c),r=(a,c)=>t(a)-c):(n=t===et||t===Oo?t:Lo,e=t,r=t);function s(a,c,u=0,p=a.length){if(u<p){if(n(c,c)!==0)return p;do{let h=u+p>>>1;e(a[h],c)<0?u=h+1:p=h}while(u<p)}return u}function o(a,c,u=0,p=a.length){if(u<p){if(n(c,c)!==0)return p;do{let h=u+p>>>1;e(a[h],c)<=0?u=h+1:p=h}while(u<p)}return u}function i(a,c,u=0,p=a.length){let h=s(a,c,u,p-1);return h>u&&r(a[h-1],c)>-r(a[h],c)?h-1:h}return{left:s,center:i,right:o}}function Lo(){return 0}function jo(t){return t===null?NaN:+t}var Zr=Qr(et),es=Zr.right,tl=Zr.left,nl=Qr(jo).center;var rl=ts(ns),sl=ts(Ho);function ts(t){return function(n,e,r=e){if(!((e=+e)>=0))throw new RangeError("invalid rx");if(!((r=+r)>=0))throw new RangeError("invalid ry");let{data:s,width:o,height:i}=n;if(!((o=Math.floor(o))>=0))throw new RangeError("invalid width");if(!((i=Math.floor(i!==void 0?i:s.length/o))>=0))throw new RangeError("invalid height");if(!o||!i||!e&&!r)return n;let a=e&&t(e),c=r&&t(r),u=s.slice();return a&&c?(Ne(a,u,s,o,i),Ne(a,s,u,o,i),Ne(a,u,s,o,i),Pe(c,s,u,o,i),Pe(c,u,s,o,i),Pe(c,s,u,o,i)):a?(Ne(a,s,u,o,i),Ne(a,u,s,o,i),Ne(a,s,u,o,i)):c&&(Pe(c,s,u,o,i),Pe(c,u,s,o,i),Pe(c,s,u,o,i)),n}}function Ne(t,n,e,r,s){for(let o=0,i=r*s;o<i;)t(n,e,o,o+=r,1)}function Pe(t,n,e,r,s){for(let o=0,i=r*s;o<r;++o)t(n,e,o,o+i,r)}function Ho(t){let n=ns(t);return(e,r,s,o,i)=>{s<<=2,o<<=2,i<<=2,n(e,r,s+0,o+0,i),n(e,r,s+1,o+1,i),n(e,r,s+2,o+2,i),n(e,r,s+3,o+3,i)}}function ns(t){let n=Math.floor(t);if(n===t)return zo(t);let e=t-n,r=2*t+1;return(s,o,i,a,c)=>{if(!((a-=c)>=i))return;let u=n*o[i],p=c*n,h=p+c;for(let d=i,b=i+p;d<b;d+=c)u+=o[Math.min(a,d)];for(let d=i,b=a;d<=b;d+=c)u+=o[Math.min(a,d+p)],s[d]=(u+e*(o[Math.max(i,d-h)]+o[Math.min(a,d+h)]))/r,u-=o[Math.max(i,d-p)]}}function zo(t){let n=2*t+1;return(e,r,s,o,i)=>{if(!((o-=i)>=s))return;let a=t*r[s],c=i*t;for(let u=s,p=s+c;u<p;u+=i)a+=r[Math.min(o,u)];for(let u=s,p=o;u<=p;u+=i)a+=r[Math.min(o,u+c)],e[u]=a/n,a-=r[Math.max(s,u-c)]}}var Io=Array.prototype,ol=Io.slice;var Uo=Math.sqrt(50),Do=Math.sqrt(10),Bo=Math.sqrt(2);function kt(t,n,e){let r=(n-t)/Math.max(0,e),s=Math.floor(Math.log10(r)),o=r/Math.pow(10,s),i=o>=Uo?10:o>=Do?5:o>=Bo?2:1,a,c,u;return s<0?(u=Math.pow(10,-s)/i,a=Math.round(t*u),c=Math.round(n*u),a/u<t&&++a,c/u>n&&--c,u=-u):(u=Math.pow(10,s)*i,a=Math.round(t/u),c=Math.round(n/u),a*u<t&&++a,c*u>n&&--c),c<a&&.5<=e&&e<2?kt(t,n,e*2):[a,c,u]}function rs(t,n,e){if(n=+n,t=+t,e=+e,!(e>0))return[];if(t===n)return[t];let r=n<t,[s,o,i]=r?kt(n,t,e):kt(t,n,e);if(!(o>=s))return[];let a=o-s+1,c=new Array(a);if(r)if(i<0)for(let u=0;u<a;++u)c[u]=(o-u)/-i;else for(let u=0;u<a;++u)c[u]=(o-u)*i;else if(i<0)for(let u=0;u<a;++u)c[u]=(s+u)/-i;else for(let u=0;u<a;++u)c[u]=(s+u)*i;return c}function xt(t,n,e){return n=+n,t=+t,e=+e,kt(t,n,e)[2]}function ss(t,n,e){n=+n,t=+t,e=+e;let r=n<t,s=r?xt(n,t,e):xt(t,n,e);return(r?-1:1)*(s<0?1/-s:s)}var il=Wo(Math.random);function Wo(t){return function(e,r=0,s=e.length){let o=s-(r=+r);for(;o;){let i=t()*o--|0,a=e[o+r];e[o+r]=e[i+r],e[i+r]=a}return e}}function je(t,n,e){t.prototype=n.prototype=e,e.constructor=t}function rt(t,n){var e=Object.create(t.prototype);for(var r in n)e[r]=n[r];return e}function de(){}var Ae=.7,Le=1/Ae,Ce="\\s*([+-]?\\d+)\\s*",tt="\\s*([+-]?(?:\\d*\\.)?\\d+(?:[eE][+-]?\\d+)?)\\s*",Q="\\s*([+-]?(?:\\d*\\.)?\\d+(?:[eE][+-]?\\d+)?)%\\s*",Fo=/^#([0-9a-f]{3,8})$/,Jo=new RegExp(`^rgb\\(${Ce},${Ce},${Ce}\\)$`),Vo=new RegExp(`^rgb\\(${Q},${Q},${Q}\\)$`),Ko=new RegExp(`^rgba\\(${Ce},${Ce},${Ce},${tt}\\)$`),Go=new RegExp(`^rgba\\(${Q},${Q},${Q},${tt}\\)$`),Yo=new RegExp(`^hsl\\(${tt},${Q},${Q}\\)$`),Xo=new RegExp(`^hsla\\(${tt},${Q},${Q},${tt}\\)$`),os={aliceblue:15792383,antiquewhite:16444375,aqua:65535,aquamarine:8388564,azure:15794175,beige:16119260,bisque:16770244,black:0,blanchedalmond:16772045,blue:255,blueviolet:9055202,brown:10824234,burlywood:14596231,cadetblue:6266528,chartreuse:8388352,chocolate:13789470,coral:16744272,cornflowerblue:6591981,cornsilk:16775388,crimson:14423100,cyan:65535,darkblue:139,darkcyan:35723,darkgoldenrod:12092939,darkgray:11119017,darkgreen:25600,darkgrey:11119017,darkkhaki:12433259,darkmagenta:9109643,darkolivegreen:5597999,darkorange:16747520,darkorchid:10040012,darkred:9109504,darksalmon:15308410,darkseagreen:9419919,darkslateblue:4734347,darkslategray:3100495,darkslategrey:3100495,darkturquoise:52945,darkviolet:9699539,deeppink:16716947,deepskyblue:49151,dimgray:6908265,dimgrey:6908265,dodgerblue:2003199,firebrick:11674146,floralwhite:16775920,forestgreen:2263842,fuchsia:16711935,gainsboro:14474460,ghostwhite:16316671,gold:16766720,goldenrod:14329120,gray:8421504,green:32768,greenyellow:11403055,grey:8421504,honeydew:15794160,hotpink:16738740,indianred:13458524,indigo:4915330,ivory:16777200,khaki:15787660,lavender:15132410,lavenderblush:16773365,lawngreen:8190976,lemonchiffon:16775885,lightblue:11393254,lightcoral:15761536,lightcyan:14745599,lightgoldenrodyellow:16448210,lightgray:13882323,lightgreen:9498256,lightgrey:13882323,lightpink:16758465,lightsalmon:16752762,lightseagreen:2142890,lightskyblue:8900346,lightslategray:7833753,lightslategrey:7833753,lightsteelblue:11584734,lightyellow:16777184,lime:65280,limegreen:3329330,linen:16445670,magenta:16711935,maroon:8388608,mediumaquamarine:6737322,mediumblue:205,mediumorchid:12211667,mediumpurple:9662683,mediumseagreen:3978097,mediumslateblue:8087790,mediumspringgreen:64154,mediumturquoise:4772300,mediumvioletred:13047173,midnightblue:1644912,mintcream:16121850,mistyrose:16770273,moccasin:16770229,navajowhite:16768685,navy:128,oldlace:16643558,olive:8421376,olivedrab:7048739,orange:16753920,orangered:16729344,orchid:14315734,palegoldenrod:15657130,palegreen:10025880,paleturquoise:11529966,palevioletred:14381203,papayawhip:16773077,peachpuff:16767673,peru:13468991,pink:16761035,plum:14524637,powderblue:11591910,purple:8388736,rebeccapurple:6697881,red:16711680,rosybrown:12357519,royalblue:4286945,saddlebrown:9127187,salmon:16416882,sandybrown:16032864,seagreen:3050327,seashell:16774638,sienna:10506797,silver:12632256,skyblue:8900331,slateblue:6970061,slategray:7372944,slategrey:7372944,snow:16775930,springgreen:65407,steelblue:4620980,tan:13808780,teal:32896,thistle:14204888,tomato:16737095,turquoise:4251856,violet:15631086,wheat:16113331,white:16777215,whitesmoke:16119285,yellow:16776960,yellowgreen:10145074};je(de,He,{copy(t){return Object.assign(new this.constructor,this,t)},displayable(){return this.rgb().displayable()},hex:is,formatHex:is,formatHex8:Qo,formatHsl:Zo,formatRgb:as,toString:as});function is(){return this.rgb().formatHex()}function Qo(){return this.rgb().formatHex8()}function Zo(){return gs(this).formatHsl()}function as(){return this.rgb().formatRgb()}function He(t){var n,e;return t=(t+"").trim().toLowerCase(),(n=Fo.exec(t))?(e=n[1].length,n=parseInt(n[1],16),e===6?ls(n):e===3?new P(n>>8&15|n>>4&240,n>>4&15|n&240,(n&15)<<4|n&15,1):e===8?Mt(n>>24&255,n>>16&255,n>>8&255,(n&255)/255):e===4?Mt(n>>12&15|n>>8&240,n>>8&15|n>>4&240,n>>4&15|n&240,((n&15)<<4|n&15)/255):null):(n=Jo.exec(t))?new P(n[1],n[2],n[3],1):(n=Vo.exec(t))?new P(n[1]*255/100,n[2]*255/100,n[3]*255/100,1):(n=Ko.exec(t))?Mt(n[1],n[2],n[3],n[4]):(n=Go.exec(t))?Mt(n[1]*255/100,n[2]*255/100,n[3]*255/100,n[4]):(n=Yo.exec(t))?hs(n[1],n[2]/100,n[3]/100,1):(n=Xo.exec(t))?hs(n[1],n[2]/100,n[3]/100,n[4]):os.hasOwnProperty(t)?ls(os[t]):t==="transparent"?new P(NaN,NaN,NaN,0):null}function ls(t){return new P(t>>16&255,t>>8&255,t&255,1)}function Mt(t,n,e,r){return r<=0&&(t=n=e=NaN),new P(t,n,e,r)}function An(t){return t instanceof de||(t=He(t)),t?(t=t.rgb(),new P(t.r,t.g,t.b,t.opacity)):new P}function st(t,n,e,r){return arguments.length===1?An(t):new P(t,n,e,r??1)}function P(t,n,e,r){this.r=+t,this.g=+n,this.b=+e,this.opacity=+r}je(P,st,rt(de,{brighter(t){return t=t==null?Le:Math.pow(Le,t),new P(this.r*t,this.g*t,this.b*t,this.opacity)},darker(t){return t=t==null?Ae:Math.pow(Ae,t),new P(this.r*t,this.g*t,this.b*t,this.opacity)},rgb(){return this},clamp(){return new P(xe(this.r),xe(this.g),xe(this.b),Tt(this.opacity))},displayable(){return-.5<=this.r&&this.r<255.5&&-.5<=this.g&&this.g<255.5&&-.5<=this.b&&this.b<255.5&&0<=this.opacity&&this.opacity<=1},hex:us,formatHex:us,formatHex8:ei,formatRgb:cs,toString:cs}));function us(){return`#${ke(this.r)}${ke(this.g)}${ke(this.b)}`}function ei(){return`#${ke(this.r)}${ke(this.g)}${ke(this.b)}${ke((isNaN(this.opacity)?1:this.opacity)*255)}`}function cs(){let t=Tt(this.opacity);return`${t===1?"rgb(":"rgba("}${xe(this.r)}, ${xe(this.g)}, ${xe(this.b)}${t===1?")":`, ${t})`}`}function Tt(t){return isNaN(t)?1:Math.max(0,Math.min(1,t))}function xe(t){return Math.max(0,Math.min(255,Math.round(t)||0))}function ke(t){return t=xe(t),(t<16?"0":"")+t.toString(16)}function hs(t,n,e,r){return r<=0?t=n=e=NaN:e<=0||e>=1?t=n=NaN:n<=0&&(t=NaN),new G(t,n,e,r)}function gs(t){if(t instanceof G)return new G(t.h,t.s,t.l,t.opacity);if(t instanceof de||(t=He(t)),!t)return new G;if(t instanceof G)return t;t=t.rgb();var n=t.r/255,e=t.g/255,r=t.b/255,s=Math.min(n,e,r),o=Math.max(n,e,r),i=NaN,a=o-s,c=(o+s)/2;return a?(n===o?i=(e-r)/a+(e<r)*6:e===o?i=(r-n)/a+2:i=(n-e)/a+4,a/=c<.5?o+s:2-o-s,i*=60):a=c>0&&c<1?0:i,new G(i,a,c,t.opacity)}function Et(t,n,e,r){return arguments.length===1?gs(t):new G(t,n,e,r??1)}function G(t,n,e,r){this.h=+t,this.s=+n,this.l=+e,this.opacity=+r}je(G,Et,rt(de,{brighter(t){return t=t==null?Le:Math.pow(Le,t),new G(this.h,this.s,this.l*t,this.opacity)},darker(t){return t=t==null?Ae:Math.pow(Ae,t),new G(this.h,this.s,this.l*t,this.opacity)},rgb(){var t=this.h%360+(this.h<0)*360,n=isNaN(t)||isNaN(this.s)?0:this.s,e=this.l,r=e+(e<.5?e:1-e)*n,s=2*e-r;return new P(wn(t>=240?t-240:t+120,s,r),wn(t,s,r),wn(t<120?t+240:t-120,s,r),this.opacity)},clamp(){return new G(ds(this.h),At(this.s),At(this.l),Tt(this.opacity))},displayable(){return(0<=this.s&&this.s<=1||isNaN(this.s))&&0<=this.l&&this.l<=1&&0<=this.opacity&&this.opacity<=1},formatHsl(){let t=Tt(this.opacity);return`${t===1?"hsl(":"hsla("}${ds(this.h)}, ${At(this.s)*100}%, ${At(this.l)*100}%${t===1?")":`, ${t})`}`}}));function ds(t){return t=(t||0)%360,t<0?t+360:t}function At(t){return Math.max(0,Math.min(1,t||0))}function wn(t,n,e){return(t<60?n+(e-n)*t/60:t<180?e:t<240?n+(e-n)*(240-t)/60:n)*255}var bs=Math.PI/180,ys=180/Math.PI,St=18,$s=.96422,ws=1,vs=.82521,ks=4/29,Oe=6/29,xs=3*Oe*Oe,ti=Oe*Oe*Oe;function Ms(t){if(t instanceof Z)return new Z(t.l,t.a,t.b,t.opacity);if(t instanceof le)return Ts(t);t instanceof P||(t=An(t));var n=Mn(t.r),e=Mn(t.g),r=Mn(t.b),s=vn((.2225045*n+.7168786*e+.0606169*r)/ws),o,i;return n===e&&e===r?o=i=s:(o=vn((.4360747*n+.3850649*e+.1430804*r)/$s),i=vn((.0139322*n+.0971045*e+.7141733*r)/vs)),new Z(116*s-16,500*(o-s),200*(s-i),t.opacity)}function As(t,n,e,r){return arguments.length===1?Ms(t):new Z(t,n,e,r??1)}function Z(t,n,e,r){this.l=+t,this.a=+n,this.b=+e,this.opacity=+r}je(Z,As,rt(de,{brighter(t){return new Z(this.l+St*(t??1),this.a,this.b,this.opacity)},darker(t){return new Z(this.l-St*(t??1),this.a,this.b,this.opacity)},rgb(){var t=(this.l+16)/116,n=isNaN(this.a)?t:t+this.a/500,e=isNaN(this.b)?t:t-this.b/200;return n=$s*kn(n),t=ws*kn(t),e=vs*kn(e),new P(xn(3.1338561*n-1.6168667*t-.4906146*e),xn(-.9787684*n+1.9161415*t+.033454*e),xn(.0719453*n-.2289914*t+1.4052427*e),this.opacity)}}));function vn(t){return t>ti?Math.pow(t,1/3):t/xs+ks}function kn(t){return t>Oe?t*t*t:xs*(t-ks)}function xn(t){return 255*(t<=.0031308?12.92*t:1.055*Math.pow(t,1/2.4)-.055)}function Mn(t){return(t/=255)<=.04045?t/12.92:Math.pow((t+.055)/1.055,2.4)}function ni(t){if(t instanceof le)return new le(t.h,t.c,t.l,t.opacity);if(t instanceof Z||(t=Ms(t)),t.a===0&&t.b===0)return new le(NaN,0<t.l&&t.l<100?0:NaN,t.l,t.opacity);var n=Math.atan2(t.b,t.a)*ys;return new le(n<0?n+360:n,Math.sqrt(t.a*t.a+t.b*t.b),t.l,t.opacity)}function _t(t,n,e,r){return arguments.length===1?ni(t):new le(t,n,e,r??1)}function le(t,n,e,r){this.h=+t,this.c=+n,this.l=+e,this.opacity=+r}function Ts(t){if(isNaN(t.h))return new Z(t.l,0,0,t.opacity);var n=t.h*bs;return new Z(t.l,Math.cos(n)*t.c,Math.sin(n)*t.c,t.opacity)}je(le,_t,rt(de,{brighter(t){return new le(this.h,this.c,this.l+St*(t??1),this.opacity)},darker(t){return new le(this.h,this.c,this.l-St*(t??1),this.opacity)},rgb(){return Ts(this).rgb()}}));var Ss=-.14861,Tn=1.78277,Sn=-.29227,Rt=-.90649,nt=1.97294,ps=nt*Rt,ms=nt*Tn,fs=Tn*Sn-Rt*Ss;function ri(t){if(t instanceof Me)return new Me(t.h,t.s,t.l,t.opacity);t instanceof P||(t=An(t));var n=t.r/255,e=t.g/255,r=t.b/255,s=(fs*r+ps*n-ms*e)/(fs+ps-ms),o=r-s,i=(nt*(e-s)-Sn*o)/Rt,a=Math.sqrt(i*i+o*o)/(nt*s*(1-s)),c=a?Math.atan2(i,o)*ys-120:NaN;return new Me(c<0?c+360:c,a,s,t.opacity)}function qt(t,n,e,r){return arguments.length===1?ri(t):new Me(t,n,e,r??1)}function Me(t,n,e,r){this.h=+t,this.s=+n,this.l=+e,this.opacity=+r}je(Me,qt,rt(de,{brighter(t){return t=t==null?Le:Math.pow(Le,t),new Me(this.h,this.s,this.l*t,this.opacity)},darker(t){return t=t==null?Ae:Math.pow(Ae,t),new Me(this.h,this.s,this.l*t,this.opacity)},rgb(){var t=isNaN(this.h)?0:(this.h+120)*bs,n=+this.l,e=isNaN(this.s)?0:this.s*n*(1-n),r=Math.cos(t),s=Math.sin(t);return new P(255*(n+e*(Ss*r+Tn*s)),255*(n+e*(Sn*r+Rt*s)),255*(n+e*(nt*r)),this.opacity)}}));function qs(t,n,e,r,s){var o=t*t,i=o*t;return((1-3*t+3*o-i)*n+(4-6*o+3*i)*e+(1+3*t+3*o-3*i)*r+i*s)/6}function si(t){var n=t.length-1;return function(e){var r=e<=0?e=0:e>=1?(e=1,n-1):Math.floor(e*n),s=t[r],o=t[r+1],i=r>0?t[r-1]:2*s-o,a=r<n-1?t[r+2]:2*o-s;return qs((e-r/n)*n,i,s,o,a)}}function oi(t){var n=t.length;return function(e){var r=Math.floor(((e%=1)<0?++e:e)*n),s=t[(r+n-1)%n],o=t[r%n],i=t[(r+1)%n],a=t[(r+2)%n];return qs((e-r/n)*n,s,o,i,a)}}var Pt=t=>()=>t;function Ns(t,n){return function(e){return t+e*n}}function ii(t,n,e){return t=Math.pow(t,e),n=Math.pow(n,e)-t,e=1/e,function(r){return Math.pow(t+r*n,e)}}function qn(t,n){var e=n-t;return e?Ns(t,e>180||e<-180?e-360*Math.round(e/360):e):Pt(isNaN(t)?n:t)}function ai(t){return(t=+t)==1?B:function(n,e){return e-n?ii(n,e,t):Pt(isNaN(n)?e:n)}}function B(t,n){var e=n-t;return e?Ns(t,e):Pt(isNaN(t)?n:t)}var Es=(function t(n){var e=ai(n);function r(s,o){var i=e((s=st(s)).r,(o=st(o)).r),a=e(s.g,o.g),c=e(s.b,o.b),u=B(s.opacity,o.opacity);return function(p){return s.r=i(p),s.g=a(p),s.b=c(p),s.opacity=u(p),s+""}}return r.gamma=t,r})(1);function Ps(t){return function(n){var e=n.length,r=new Array(e),s=new Array(e),o=new Array(e),i,a;for(i=0;i<e;++i)a=st(n[i]),r[i]=a.r||0,s[i]=a.g||0,o[i]=a.b||0;return r=t(r),s=t(s),o=t(o),a.opacity=1,function(c){return a.r=r(c),a.g=s(c),a.b=o(c),a+""}}}var cl=Ps(si),hl=Ps(oi);function li(t,n){n||(n=[]);var e=t?Math.min(n.length,t.length):0,r=n.slice(),s;return function(o){for(s=0;s<e;++s)r[s]=t[s]*(1-o)+n[s]*o;return r}}function ui(t){return ArrayBuffer.isView(t)&&!(t instanceof DataView)}function ci(t,n){var e=n?n.length:0,r=t?Math.min(e,t.length):0,s=new Array(r),o=new Array(e),i;for(i=0;i<r;++i)s[i]=Ct(t[i],n[i]);for(;i<e;++i)o[i]=n[i];return function(a){for(i=0;i<r;++i)o[i]=s[i](a);return o}}function hi(t,n){var e=new Date;return t=+t,n=+n,function(r){return e.setTime(t*(1-r)+n*r),e}}function Y(t,n){return t=+t,n=+n,function(e){return t*(1-e)+n*e}}function di(t,n){var e={},r={},s;(t===null||typeof t!="object")&&(t={}),(n===null||typeof n!="object")&&(n={});for(s in n)s in t?e[s]=Ct(t[s],n[s]):r[s]=n[s];return function(o){for(s in e)r[s]=e[s](o);return r}}var _n=/[-+]?(?:\d+\.?\d*|\.?\d+)(?:[eE][-+]?\d+)?/g,En=new RegExp(_n.source,"g");function pi(t){return function(){return t}}function mi(t){return function(n){return t(n)+""}}function fi(t,n){var e=_n.lastIndex=En.lastIndex=0,r,s,o,i=-1,a=[],c=[];for(t=t+"",n=n+"";(r=_n.exec(t))&&(s=En.exec(n));)(o=s.index)>e&&(o=n.slice(e,o),a[i]?a[i]+=o:a[++i]=o),(r=r[0])===(s=s[0])?a[i]?a[i]+=s:a[++i]=s:(a[++i]=null,c.push({i,x:Y(r,s)})),e=En.lastIndex;return e<n.length&&(o=n.slice(e),a[i]?a[i]+=o:a[++i]=o),a.length<2?c[0]?mi(c[0].x):pi(n):(n=c.length,function(u){for(var p=0,h;p<n;++p)a[(h=c[p]).i]=h.x(u);return a.join("")})}function Ct(t,n){var e=typeof n,r;return n==null||e==="boolean"?Pt(n):(e==="number"?Y:e==="string"?(r=He(n))?(n=r,Es):fi:n instanceof He?Es:n instanceof Date?hi:ui(n)?li:Array.isArray(n)?ci:typeof n.valueOf!="function"&&typeof n.toString!="function"||isNaN(n)?di:Y)(t,n)}function Cs(t,n){return t=+t,n=+n,function(e){return Math.round(t*(1-e)+n*e)}}var _s=180/Math.PI,Rn={translateX:0,translateY:0,rotate:0,skewX:0,scaleX:1,scaleY:1};function Os(t,n,e,r,s,o){var i,a,c;return(i=Math.sqrt(t*t+n*n))&&(t/=i,n/=i),(c=t*e+n*r)&&(e-=t*c,r-=n*c),(a=Math.sqrt(e*e+r*r))&&(e/=a,r/=a,c/=a),t*r<n*e&&(t=-t,n=-n,c=-c,i=-i),{translateX:s,translateY:o,rotate:Math.atan2(n,t)*_s,skewX:Math.atan(c)*_s,scaleX:i,scaleY:a}}var Nt;function gi(t){let n=new(typeof DOMMatrix=="function"?DOMMatrix:WebKitCSSMatrix)(t+"");return n.isIdentity?Rn:Os(n.a,n.b,n.c,n.d,n.e,n.f)}function bi(t){return t==null||(Nt||(Nt=document.createElementNS("http://www.w3.org/2000/svg","g")),Nt.setAttribute("transform",t),!(t=Nt.transform.baseVal.consolidate()))?Rn:(t=t.matrix,Os(t.a,t.b,t.c,t.d,t.e,t.f))}function Ls(t,n,e,r){function s(u){return u.length?u.pop()+" ":""}function o(u,p,h,d,b,f){if(u!==h||p!==d){var y=b.push("translate(",null,n,null,e);f.push({i:y-4,x:Y(u,h)},{i:y-2,x:Y(p,d)})}else(h||d)&&b.push("translate("+h+n+d+e)}function i(u,p,h,d){u!==p?(u-p>180?p+=360:p-u>180&&(u+=360),d.push({i:h.push(s(h)+"rotate(",null,r)-2,x:Y(u,p)})):p&&h.push(s(h)+"rotate("+p+r)}function a(u,p,h,d){u!==p?d.push({i:h.push(s(h)+"skewX(",null,r)-2,x:Y(u,p)}):p&&h.push(s(h)+"skewX("+p+r)}function c(u,p,h,d,b,f){if(u!==h||p!==d){var y=b.push(s(b)+"scale(",null,",",null,")");f.push({i:y-4,x:Y(u,h)},{i:y-2,x:Y(p,d)})}else(h!==1||d!==1)&&b.push(s(b)+"scale("+h+","+d+")")}return function(u,p){var h=[],d=[];return u=t(u),p=t(p),o(u.translateX,u.translateY,p.translateX,p.translateY,h,d),i(u.rotate,p.rotate,h,d),a(u.skewX,p.skewX,h,d),c(u.scaleX,u.scaleY,p.scaleX,p.scaleY,h,d),u=p=null,function(b){for(var f=-1,y=d.length,A;++f<y;)h[(A=d[f]).i]=A.x(b);return h.join("")}}}var dl=Ls(gi,"px, ","px)","deg)"),pl=Ls(bi,", ",")",")"),yi=1e-12;function Rs(t){return((t=Math.exp(t))+1/t)/2}function $i(t){return((t=Math.exp(t))-1/t)/2}function wi(t){return((t=Math.exp(2*t))-1)/(t+1)}var ml=(function t(n,e,r){function s(o,i){var a=o[0],c=o[1],u=o[2],p=i[0],h=i[1],d=i[2],b=p-a,f=h-c,y=b*b+f*f,A,w;if(y<yi)w=Math.log(d/u)/n,A=function(me){return[a+me*b,c+me*f,u*Math.exp(n*me*w)]};else{var g=Math.sqrt(y),M=(d*d-u*u+r*y)/(2*u*e*g),T=(d*d-u*u-r*y)/(2*d*e*g),q=Math.log(Math.sqrt(M*M+1)-M),C=Math.log(Math.sqrt(T*T+1)-T);w=(C-q)/n,A=function(me){var lt=me*w,Je=Rs(q),ut=u/(e*g)*(Je*wi(n*lt+q)-$i(q));return[a+ut*b,c+ut*f,u*Je/Rs(n*lt+q)]}}return A.duration=Math.abs(w)*1e3*n/Math.SQRT2,A}return s.rho=function(o){var i=Math.max(.001,+o),a=i*i,c=a*a;return t(i,a,c)},s})(Math.SQRT2,2,4);function js(t){return function(n,e){var r=t((n=Et(n)).h,(e=Et(e)).h),s=B(n.s,e.s),o=B(n.l,e.l),i=B(n.opacity,e.opacity);return function(a){return n.h=r(a),n.s=s(a),n.l=o(a),n.opacity=i(a),n+""}}}var fl=js(qn),gl=js(B);function Hs(t){return function(n,e){var r=t((n=_t(n)).h,(e=_t(e)).h),s=B(n.c,e.c),o=B(n.l,e.l),i=B(n.opacity,e.opacity);return function(a){return n.h=r(a),n.c=s(a),n.l=o(a),n.opacity=i(a),n+""}}}var bl=Hs(qn),yl=Hs(B);function zs(t){return(function n(e){e=+e;function r(s,o){var i=t((s=qt(s)).h,(o=qt(o)).h),a=B(s.s,o.s),c=B(s.l,o.l),u=B(s.opacity,o.opacity);return function(p){return s.h=i(p),s.s=a(p),s.l=c(Math.pow(p,e)),s.opacity=u(p),s+""}}return r.gamma=n,r})(1)}var $l=zs(qn),wl=zs(B);function vi(t){return Math.abs(t=Math.round(t))>=1e21?t.toLocaleString("en").replace(/,/g,""):t.toString(10)}function Lt(t,n){if(!isFinite(t)||t===0)return null;var e=(t=n?t.toExponential(n-1):t.toExponential()).indexOf("e"),r=t.slice(0,e);return[r.length>1?r[0]+r.slice(2):r,+t.slice(e+1)]}function ze(t){return t=Lt(Math.abs(t)),t?t[1]:NaN}function ki(t,n){return function(e,r){for(var s=e.length,o=[],i=0,a=t[0],c=0;s>0&&a>0&&(c+a+1>r&&(a=Math.max(1,r-c)),o.push(e.substring(s-=a,s+a)),!((c+=a+1)>r));)a=t[i=(i+1)%t.length];return o.reverse().join(n)}}function xi(t){return function(n){return n.replace(/[0-9]/g,function(e){return t[+e]})}}var Mi=/^(?:(.)?([<>=^]))?([+\-( ])?([$#])?(0)?(\d+)?(,)?(\.\d+)?(~)?([a-z%])?$/i;function ot(t){if(!(n=Mi.exec(t)))throw new Error("invalid format: "+t);var n;return new Nn({fill:n[1],align:n[2],sign:n[3],symbol:n[4],zero:n[5],width:n[6],comma:n[7],precision:n[8]&&n[8].slice(1),trim:n[9],type:n[10]})}ot.prototype=Nn.prototype;function Nn(t){this.fill=t.fill===void 0?" ":t.fill+"",this.align=t.align===void 0?">":t.align+"",this.sign=t.sign===void 0?"-":t.sign+"",this.symbol=t.symbol===void 0?"":t.symbol+"",this.zero=!!t.zero,this.width=t.width===void 0?void 0:+t.width,this.comma=!!t.comma,this.precision=t.precision===void 0?void 0:+t.precision,this.trim=!!t.trim,this.type=t.type===void 0?"":t.type+""}Nn.prototype.toString=function(){return this.fill+this.align+this.sign+this.symbol+(this.zero?"0":"")+(this.width===void 0?"":Math.max(1,this.width|0))+(this.comma?",":"")+(this.precision===void 0?"":"."+Math.max(0,this.precision|0))+(this.trim?"~":"")+this.type};function Ai(t){e:for(var n=t.length,e=1,r=-1,s;e<n;++e)switch(t[e]){case".":r=s=e;break;case"0":r===0&&(r=e),s=e;break;default:if(!+t[e])break e;r>0&&(r=0);break}return r>0?t.slice(0,r)+t.slice(s+1):t}var jt;function Ti(t,n){var e=Lt(t,n);if(!e)return jt=void 0,t.toPrecision(n);var r=e[0],s=e[1],o=s-(jt=Math.max(-8,Math.min(8,Math.floor(s/3)))*3)+1,i=r.length;return o===i?r:o>i?r+new Array(o-i+1).join("0"):o>0?r.slice(0,o)+"."+r.slice(o):"0."+new Array(1-o).join("0")+Lt(t,Math.max(0,n+o-1))[0]}function Is(t,n){var e=Lt(t,n);if(!e)return t+"";var r=e[0],s=e[1];return s<0?"0."+new Array(-s).join("0")+r:r.length>s+1?r.slice(0,s+1)+"."+r.slice(s+1):r+new Array(s-r.length+2).join("0")}var Us={"%":(t,n)=>(t*100).toFixed(n),b:t=>Math.round(t).toString(2),c:t=>t+"",d:vi,e:(t,n)=>t.toExponential(n),f:(t,n)=>t.toFixed(n),g:(t,n)=>t.toPrecision(n),o:t=>Math.round(t).toString(8),p:(t,n)=>Is(t*100,n),r:Is,s:Ti,X:t=>Math.round(t).toString(16).toUpperCase(),x:t=>Math.round(t).toString(16)};function Ds(t){return t}var Bs=Array.prototype.map,Ws=["y","z","a","f","p","n","µ","m","","k","M","G","T","P","E","Z","Y"];function Si(t){var n=t.grouping===void 0||t.thousands===void 0?Ds:ki(Bs.call(t.grouping,Number),t.thousands+""),e=t.currency===void 0?"":t.currency[0]+"",r=t.currency===void 0?"":t.currency[1]+"",s=t.decimal===void 0?".":t.decimal+"",o=t.numerals===void 0?Ds:xi(Bs.call(t.numerals,String)),i=t.percent===void 0?"%":t.percent+"",a=t.minus===void 0?"−":t.minus+"",c=t.nan===void 0?"NaN":t.nan+"";function u(h,d){h=ot(h);var b=h.fill,f=h.align,y=h.sign,A=h.symbol,w=h.zero,g=h.width,M=h.comma,T=h.precision,q=h.trim,C=h.type;C==="n"?(M=!0,C="g"):Us[C]||(T===void 0&&(T=12),q=!0,C="g"),(w||b==="0"&&f==="=")&&(w=!0,b="0",f="=");var me=(d&&d.prefix!==void 0?d.prefix:"")+(A==="$"?e:A==="#"&&/[boxX]/.test(C)?"0"+C.toLowerCase():""),lt=(A==="$"?r:/[%p]/.test(C)?i:"")+(d&&d.suffix!==void 0?d.suffix:""),Je=Us[C],ut=/[defgprs%]/.test(C);T=T===void 0?6:/[gprs]/.test(C)?Math.max(1,Math.min(21,T)):Math.max(0,Math.min(20,T));function Ar(x){var fe=me,J=lt,Ee,Tr,ct;if(C==="c")J=Je(x)+J,x="";else{x=+x;var ht=x<0||1/x<0;if(x=isNaN(x)?c:Je(Math.abs(x),T),q&&(x=Ai(x)),ht&&+x==0&&y!=="+"&&(ht=!1),fe=(ht?y==="("?y:a:y==="-"||y==="("?"":y)+fe,J=(C==="s"&&!isNaN(x)&&jt!==void 0?Ws[8+jt/3]:"")+J+(ht&&y==="("?")":""),ut){for(Ee=-1,Tr=x.length;++Ee<Tr;)if(ct=x.charCodeAt(Ee),48>ct||ct>57){J=(ct===46?s+x.slice(Ee+1):x.slice(Ee))+J,x=x.slice(0,Ee);break}}}M&&!w&&(x=n(x,1/0));var dt=fe.length+x.length+J.length,ne=dt<g?new Array(g-dt+1).join(b):"";switch(M&&w&&(x=n(ne+x,ne.length?g-J.length:1/0),ne=""),f){case"<":x=fe+x+J+ne;break;case"=":x=fe+ne+x+J;break;case"^":x=ne.slice(0,dt=ne.length>>1)+fe+x+J+ne.slice(dt);break;default:x=ne+fe+x+J;break}return o(x)}return Ar.toString=function(){return h+""},Ar}function p(h,d){var b=Math.max(-8,Math.min(8,Math.floor(ze(d)/3)))*3,f=Math.pow(10,-b),y=u((h=ot(h),h.type="f",h),{suffix:Ws[8+b/3]});return function(A){return y(f*A)}}return{format:u,formatPrefix:p}}var Ot,Pn,Cn;Ei({thousands:",",grouping:[3],currency:["$",""]});function Ei(t){return Ot=Si(t),Pn=Ot.format,Cn=Ot.formatPrefix,Ot}function Fs(t){return Math.max(0,-ze(Math.abs(t)))}function Js(t,n){return Math.max(0,Math.max(-8,Math.min(8,Math.floor(ze(n)/3)))*3-ze(Math.abs(t)))}function Vs(t,n){return t=Math.abs(t),n=Math.abs(n)-t,Math.max(0,ze(n)-ze(t))+1}function Xs(t,n){switch(arguments.length){case 0:break;case 1:this.range(t);break;default:this.range(n).domain(t);break}return this}function _i(t){return function(){return t}}function Ri(t){return+t}var Ks=[0,1];function Ie(t){return t}function On(t,n){return(n-=t=+t)?function(e){return(e-t)/n}:_i(isNaN(n)?NaN:.5)}function qi(t,n){var e;return t>n&&(e=t,t=n,n=e),function(r){return Math.max(t,Math.min(n,r))}}function Ni(t,n,e){var r=t[0],s=t[1],o=n[0],i=n[1];return s<r?(r=On(s,r),o=e(i,o)):(r=On(r,s),o=e(o,i)),function(a){return o(r(a))}}function Pi(t,n,e){var r=Math.min(t.length,n.length)-1,s=new Array(r),o=new Array(r),i=-1;for(t[r]<t[0]&&(t=t.slice().reverse(),n=n.slice().reverse());++i<r;)s[i]=On(t[i],t[i+1]),o[i]=e(n[i],n[i+1]);return function(a){var c=es(t,a,1,r)-1;return o[c](s[c](a))}}function Qs(t,n){return n.domain(t.domain()).range(t.range()).interpolate(t.interpolate()).clamp(t.clamp()).unknown(t.unknown())}function Zs(){var t=Ks,n=Ks,e=Ct,r,s,o,i=Ie,a,c,u;function p(){var d=Math.min(t.length,n.length);return i!==Ie&&(i=qi(t[0],t[d-1])),a=d>2?Pi:Ni,c=u=null,h}function h(d){return d==null||isNaN(d=+d)?o:(c||(c=a(t.map(r),n,e)))(r(i(d)))}return h.invert=function(d){return i(s((u||(u=a(n,t.map(r),Y)))(d)))},h.domain=function(d){return arguments.length?(t=Array.from(d,Ri),p()):t.slice()},h.range=function(d){return arguments.length?(n=Array.from(d),p()):n.slice()},h.rangeRound=function(d){return n=Array.from(d),e=Cs,p()},h.clamp=function(d){return arguments.length?(i=d?!0:Ie,p()):i!==Ie},h.interpolate=function(d){return arguments.length?(e=d,p()):e},h.unknown=function(d){return arguments.length?(o=d,h):o},function(d,b){return r=d,s=b,p()}}function Ci(){return Zs()(Ie,Ie)}function Oi(t,n,e,r){var s=ss(t,n,e),o;switch(r=ot(r??",f"),r.type){case"s":{var i=Math.max(Math.abs(t),Math.abs(n));return r.precision==null&&!isNaN(o=Js(s,i))&&(r.precision=o),Cn(r,i)}case"":case"e":case"g":case"p":case"r":{r.precision==null&&!isNaN(o=Vs(s,Math.max(Math.abs(t),Math.abs(n))))&&(r.precision=o-(r.type==="e"));break}case"f":case"%":{r.precision==null&&!isNaN(o=Fs(s))&&(r.precision=o-(r.type==="%")*2);break}}return Pn(r)}function eo(t){var n=t.domain;return t.ticks=function(e){var r=n();return rs(r[0],r[r.length-1],e??10)},t.tickFormat=function(e,r){var s=n();return Oi(s[0],s[s.length-1],e??10,r)},t.nice=function(e){e==null&&(e=10);var r=n(),s=0,o=r.length-1,i=r[s],a=r[o],c,u,p=10;for(a<i&&(u=i,i=a,a=u,u=s,s=o,o=u);p-- >0;){if(u=xt(i,a,e),u===c)return r[s]=i,r[o]=a,n(r);if(u>0)i=Math.floor(i/u)*u,a=Math.ceil(a/u)*u;else if(u<0)i=Math.ceil(i*u)/u,a=Math.floor(a*u)/u;else break;c=u}return t},t}function Ht(){var t=Ci();return t.copy=function(){return Qs(t,Ht())},Xs.apply(t,arguments),eo(t)}function Gs(t){return function(n){return Math.sign(n)*Math.log1p(Math.abs(n/t))}}function Ys(t){return function(n){return Math.sign(n)*Math.expm1(Math.abs(n))*t}}function Li(t){var n=1,e=t(Gs(n),Ys(n));return e.constant=function(r){return arguments.length?t(Gs(n=+r),Ys(n)):n},eo(e)}function Ln(){var t=Li(Zs());return t.copy=function(){return Qs(t,Ln()).constant(t.constant())},Xs.apply(t,arguments)}var ji=["","6 3","2 3","10 3 2 3","4 4","1 4"],jn=class extends z{constructor(){super(...arguments);this.series=[];this.x="";this.y="";this.label="";this.rules=[];this.domain=null;this.xDomain=null;this.log=!1;this.height=240;this.cursor=null;this.table=!1}static{this.properties={series:{attribute:!1},x:{},y:{},label:{},rules:{attribute:!1},domain:{attribute:!1},xDomain:{attribute:!1},log:{type:Boolean},height:{type:Number},cursor:{type:Number},table:{state:!0}}}render(){let e=Math.max(this.width||600,200),{height:r}=this,s=this.series.flatMap(g=>g.points).filter(([g,M])=>Number.isFinite(g)&&Number.isFinite(M)),o=s.map(([g])=>g),i=[...s.map(([,g])=>g),...this.rules.map(g=>g.y)],[a,c,u,p]=[48,12,12,38],h=this.xDomain??(o.length?[Math.min(...o),Math.max(...o)]:[0,1]),d=this.domain??(i.length?[Math.min(0,...i),Math.max(...i)]:[0,1]),b=(this.log?Ln():Ht()).domain(h).range([a,e-c]),f=Ht().domain(d).range([r-p,u]).nice(),y=e<420?4:6,A=g=>g.points.filter(([M,T])=>Number.isFinite(M)&&Number.isFinite(T)).map(([M,T],q)=>`${q?"L":"M"}${b(M).toFixed(1)} ${f(T).toFixed(1)}`).join(""),w=(g,M)=>g.predicted?"2 4":g.dashed?"6 3":g.role?"":ji[M%6];return l`<figure class="lines">
      <svg width=${e} height=${r} role="img" aria-label="${this.label||`${this.y} by ${this.x}`}">
        ${f.ticks(5).map(g=>_`<line x1=${a} x2=${e-c} y1=${f(g)} y2=${f(g)} class="grid"></line><text x=${a-6} y=${f(g)+4} class="tick" text-anchor="end">${g}</text>`)}
        ${(this.log?Hi(h,y):b.ticks(y)).map(g=>_`<text x=${b(g)} y=${r-p+16} class="tick" text-anchor="middle">${g}</text>`)}
        <text x=${(a+e-c)/2} y=${r-4} class="axis" text-anchor="middle">${this.x}</text>
        <text x="12" y=${(u+r-p)/2} class="axis" text-anchor="middle" transform="rotate(-90 12 ${(u+r-p)/2})">${this.y}</text>
        ${this.rules.map(g=>_`<line x1=${a} x2=${e-c} y1=${f(g.y)} y2=${f(g.y)} class="rule"></line><text x=${e-c} y=${f(g.y)-4} class="tick halo" text-anchor="end">${g.label} ${$(g.y)}</text>`)}
        ${this.cursor===null?m:_`<line x1=${b(this.cursor)} x2=${b(this.cursor)} y1=${u} y2=${r-p} class="cursor"></line>`}
        ${this.series.map((g,M)=>_`<path d=${A(g)} fill="none" stroke=${g.predicted?"var(--guess)":se(g.role,M)} stroke-width="2" stroke-dasharray=${w(g,M)} stroke-linejoin="round"></path>
          ${g.points.length===1?_`<circle cx=${b(g.points[0][0])} cy=${f(g.points[0][1])} r="3" fill=${se(g.role,M)}></circle>`:m}`)}
      </svg>
      <ul class="legend">
        ${this.series.map((g,M)=>l`<li><svg class="swatch wide" viewBox="0 0 20 12" aria-hidden="true"><path d="M0 6H20" fill="none" stroke=${g.predicted?"var(--guess)":se(g.role,M)} stroke-width="2.5" stroke-dasharray=${w(g,M)}></path></svg>${g.label}${g.role?l` <span class="role-tag ${g.role}">${g.role}</span>`:m}${g.points.length?l` <span class="quiet">${$(g.points.at(-1)[1])}</span>`:m}</li>`)}
      </ul>
      ${he(this.table,()=>this.table=!this.table,this.label||`${this.y} by ${this.x}`,[this.x||"x",...this.series.map(g=>g.label)],()=>{let g=[...new Set(o)].sort((T,q)=>T-q),M=this.series.map(T=>new Map(T.points));return g.map(T=>[$(T,Number.isInteger(T)?0:2),...M.map(q=>q.has(T)?$(q.get(T),3):"")])})}
    </figure>`}};function Hi([t,n],e){let r=t<=0?[0]:[];for(let s=1;s<=n;s*=10)s>=t&&r.push(s);return r.length>e?r.filter((s,o)=>o%2===0):r}customElements.define("rung-lines",jn);var Hn=class extends z{constructor(){super(...arguments);this.grids=[];this.labels=[];this.scores=[];this.keys=[];this.selected=null;this.label="Heads"}static{this.properties={grids:{attribute:!1},labels:{attribute:!1},scores:{attribute:!1},keys:{attribute:!1},selected:{type:Number},label:{}}}render(){return l`<ul class="thumbs" aria-label=${this.label}>
      ${this.grids.map((e,r)=>{let s=this.keys[r];return l`<li>
          <button
            type="button"
            class="thumb ${s!==void 0&&k.current===s?"lit":""}"
            aria-pressed=${r===this.selected?"true":"false"}
            @click=${()=>this.dispatchEvent(new CustomEvent("pick",{detail:{index:r},bubbles:!0}))}
            @pointerenter=${()=>s&&k.peek(s)}
            @pointerleave=${()=>s&&k.peek(null)}
          >
            <canvas aria-hidden="true"></canvas>
            <span class="thumb-label">${this.labels[r]??r}</span>
            <span class="thumb-score">${this.scores[r]??""}</span>
          </button>
        </li>`})}
    </ul>`}updated(){let e=this.querySelectorAll("canvas");this.grids.forEach((r,s)=>zi(e[s],r))}};function zi(t,n){let[e,r]=[n.shape[0],n.shape[1]];t.width=r,t.height=e;let s=new ImageData(r,e);for(let o=0;o<e*r;o++)s.data.set([...yt(n.data[o]),255],4*o);t.getContext("2d").putImageData(s,0,0)}customElements.define("rung-thumbs",Hn);var zn=class extends z{constructor(){super(...arguments);this.tokens=[];this.selected=null;this.marks=[];this.label="Tokens";this.at=0;this.keys=e=>{let r=[...this.querySelectorAll(".tok")],s=r.indexOf(document.activeElement),o={ArrowLeft:s-1,ArrowRight:s+1,Home:0,End:r.length-1}[e.key];if(o===void 0||s<0)return;e.preventDefault();let i=r[Math.min(Math.max(o,0),r.length-1)];for(let a of r)a.tabIndex=a===i?0:-1;i.focus(),k.peek(`pos:${r.indexOf(i)}`)}}static{this.properties={tokens:{attribute:!1},selected:{type:Number},marks:{attribute:!1},label:{},at:{state:!0}}}render(){let e=Math.min(this.selected??this.at,this.tokens.length-1),r=new Map(this.marks.map(s=>[s.index,s]));return l`<div class="tokens" role="group" aria-label=${this.label} @keydown=${this.keys}>
      ${this.tokens.map((s,o)=>{let i=r.get(o),a=k.current===`pos:${o}`;return l`<button
          type="button"
          class="tok ${a?"lit":""} ${i?.role??""} ${i?"marked":""}"
          tabindex=${o===e?0:-1}
          aria-pressed=${o===this.selected?"true":"false"}
          aria-label="${o}: ${oe(s)}${i?`, ${i.label}`:""}"
          @click=${()=>this.pick(o)}
          @pointerenter=${()=>k.peek(`pos:${o}`)}
          @pointerleave=${()=>k.peek(null)}
        ><span class="index">${o}</span>${oe(s)}${i?l`<span class="mark">${i.label}</span>`:""}</button>`})}
    </div>`}pick(e){this.at=e,this.dispatchEvent(new CustomEvent("pick",{detail:{index:e},bubbles:!0}))}};customElements.define("rung-tokens",zn);var to=new Set,In=new Set,Ue={done:t=>to.has(t),tell(t){to.add(t);for(let n of[...In])n(t)},subscribe(t){return In.add(t),()=>In.delete(t)}};var L=class t{constructor(n,e){this.shape=n;this.data=e;if(n.reduce((s,o)=>s*o,1)!==e.length)throw new RangeError(`${e.length} numbers do not fill the shape [${n.join(", ")}]`)}static from(n){let e=atob(n.data),r=Uint8Array.from(e,i=>i.charCodeAt(0)),s=new DataView(r.buffer),o=new Float32Array(r.length>>2);for(let i=0;i<o.length;i++)o[i]=s.getFloat32(4*i,!0);return new t(n.shape,o)}static of(n,e){return new t(n,Float32Array.from(e))}at(...n){return this.data[this.offset(n)]}slice(...n){let e=this.shape.slice(n.length),r=e.reduce((o,i)=>o*i,1),s=this.offset(n);return new t(e,this.data.subarray(s,s+r))}max(){return this.data.reduce((n,e)=>Math.max(n,e),-1/0)}min(){return this.data.reduce((n,e)=>Math.min(n,e),1/0)}offset(n){let e=0;for(let r=0;r<this.shape.length;r++){let s=this.shape[r],o=n[r]??0;if(!(o>=0&&o<s))throw new RangeError(`index ${o} is outside axis ${r} of ${s}`);e=e*s+o}return e}};var W=class extends Error{constructor(e,r="error"){super(e);this.kind=r;this.name="LabError"}},Un=new Set,U={status:"ok",run:null,set(t){if(t!==U.status){U.status=t;for(let n of[...Un])n()}},subscribe(t){return Un.add(t),()=>Un.delete(t)}},Ii="The lab was restarted since this page was opened. Open the address that rung lab printed last; what you set is in this page's address, and your pins are kept.",no="The lab does not answer: it was stopped, or the connection broke. Start rung lab again, or press Run once more; nothing that you typed is lost.",Ui=(()=>{let t=new Uint8Array(9);return globalThis.crypto?.getRandomValues(t),Array.from(t,n=>n.toString(36).padStart(2,"0")).join("")})();async function ro(t){let n=`the server answered ${t.status}`,e=String(t.status);try{let r=await t.json();typeof r.message=="string"&&(n=r.message),typeof r.kind=="string"&&(e=r.kind)}catch{}return t.status===401?(U.set("restarted"),new W(Ii,"restarted")):new W(n,e)}var Dn=async(t,n,e)=>{let r;try{r=await fetch(t,{method:"POST",headers:{"content-type":"application/json"},body:n,credentials:"same-origin",signal:e})}catch(s){throw e?.aborted?s:(U.set("lost"),new W(no,"lost"))}if(!r.ok)throw await ro(r);return r};async function*Di(t){let n=t.getReader(),e=new TextDecoder,r="";try{for(;;){let{done:s,value:o}=await n.read();r+=e.decode(o,{stream:!s});let i=s?r:r.replace(/\r$/,""),a=r.slice(i.length),c=i.replace(/\r\n?/g,`
`).split(`

`);r=(c.pop()??"")+a;for(let u of c){let p={name:"message",data:""},h=[];for(let d of u.split(`
`)){let b=d.indexOf(":");if(b===0)continue;let f=b<0?d:d.slice(0,b),y=b<0?"":d.slice(b+1).replace(/^ /,"");f==="event"&&(p.name=y),f==="data"&&h.push(y)}h.length&&(p.data=h.join(`
`),yield p)}if(s)return}}finally{n.cancel().catch(()=>{})}}var Bi={async run(t,n,{signal:e,onProgress:r}){let s=await Dn("/api/run",JSON.stringify({computation:t,ask:n,tab:Ui}),e);U.set("ok");try{for await(let o of Di(s.body)){let i=JSON.parse(o.data);if(o.name==="progress")r?.(i);else{if(o.name==="answer")return i;if(o.name==="error")throw new W(String(i.message),String(i.kind??"error"));if(o.name==="cancelled")throw new W("The computation was cancelled.","cancelled")}}}catch(o){if(o instanceof W||e.aborted)throw o}throw e.aborted?e.reason:(U.set("lost"),new W(no,"lost"))},async session(){let t=await fetch("/api/session",{credentials:"same-origin"});if(!t.ok)throw await ro(t);return await t.json()},async check(t){return await(await Dn("/api/drawer",t)).json()},async save(t){return await(await Dn("/api/drawer/save",JSON.stringify(t))).json()}},Ut=Bi;var Bn=()=>Ut,zt=new Map,De=t=>t instanceof DOMException&&t.name==="AbortError";async function F(t,n,e){zt.get(e.panel)?.abort();let r=new AbortController;zt.set(e.panel,r);let s=()=>r.abort();e.signal?.aborted&&s(),e.signal?.addEventListener("abort",s);try{let o=await Ut.run(t,n,{signal:r.signal,onProgress:i=>{r.signal.aborted||e.onProgress?.(i)}});if(r.signal.aborted)throw r.signal.reason;return o}finally{e.signal?.removeEventListener("abort",s),zt.get(e.panel)===r&&zt.delete(e.panel)}}var It=null;function Dt(){return It??=Ut.session().then(t=>(U.run=t.run,t)),It.catch(()=>It=null),It}async function Wn(){try{let t=await Ut.session();U.set(U.run===null||t.run===U.run?"ok":"restarted")}catch(t){U.set(t instanceof W&&t.kind==="restarted"?"restarted":"lost")}}var Bt="rung-drawer:",Fn=new Set,Te=`${Bt}none`,Wt=t=>{try{let n=localStorage.getItem(t);return n===null?null:JSON.parse(n)}catch{return null}},Wi=t=>typeof t=="object"&&t!==null&&t.format==="rung-drawer",v={pins:[],proof:null,add(t){let n=JSON.stringify([t.panel,t.test,t.subject,t.title,t.ask]),e=v.pins.filter(s=>JSON.stringify([s.panel,s.test,s.subject,s.title,s.ask])!==n),r=new Date().toISOString();v.pins=[...e,{...t,id:`${r}-${e.length}`,at:r}],Be()},remove(t){v.pins=v.pins.filter(n=>n.id!==t),Be()},clear(){v.pins=[],v.proof=null,Be()},setProof(t){v.proof=t,Be()},file(){return{format:"rung-drawer",version:1,run:Te.slice(Bt.length),saved:new Date().toISOString(),pins:v.pins,proof:v.proof}},async download(){let t=v.pins.map(({id:s,at:o,...i})=>i),n=await Bn().save({pins:t,proof:v.proof}),e=URL.createObjectURL(new Blob([n.text],{type:"application/json"})),r=document.createElement("a");r.href=e,r.download=n.name,r.click(),setTimeout(()=>URL.revokeObjectURL(e),1e3)},async open(t){v.show(await Bn().check(t))},show(t){if(t.drawer){v.pins=[];for(let n of t.drawer.pins)v.add(n);v.proof=t.drawer.proof??null}else t.record!==null&&(v.proof=JSON.parse(t.record));Be()},earlier(){let t=[];for(let n=0;n<localStorage.length;n++){let e=localStorage.key(n);if(!e.startsWith(Bt)||e===Te)continue;let r=Wt(e);r?.pins?.length&&t.push({key:e,pins:r.pins,saved:r.saved??""})}return t.sort((n,e)=>e.saved.localeCompare(n.saved))},bringBack(t){let n=Wt(t);if(!n)return;let e=new Set(v.pins.map(r=>r.id));v.pins=[...v.pins,...(n.pins??[]).filter(r=>!e.has(r.id))],v.proof??=n.proof??null,localStorage.removeItem(t),Be()},subscribe(t){return Fn.add(t),()=>Fn.delete(t)}},oo=()=>{for(let t of[...Fn])t()};function Be(){try{localStorage.setItem(Te,JSON.stringify(v.file()))}catch{}oo()}function so(){let t=Wt(Te);Wi(t)&&(v.pins=t.pins??[],v.proof=t.proof??null),oo()}async function io(){let t=await Dt();Te=Bt+t.run;let n=Wt(Te)===null;so(),n&&v.show({drawer:t.drawer,record:t.record}),window.addEventListener("storage",e=>{e.key===Te&&so()})}var Fi=t=>JSON.stringify(t,(n,e)=>e&&typeof e=="object"&&!Array.isArray(e)?Object.fromEntries(Object.entries(e).sort(([r],[s])=>r<s?-1:1)):e),ao=null,Ji=async()=>{let t=await fetch("/static/precomputed.json",{credentials:"same-origin"});return t.ok?await t.json():{answers:{},same:{}}};async function lo(t,n){try{ao??=Ji();let{answers:e,same:r}=await ao,s=`${t} ${Fi(n)}`;return e[r[s]??s]??null}catch{return null}}var Ft=new Set,Jn=()=>new URLSearchParams(location.search),E={get(t,n=""){return Jn().get(t)??n},number(t,n){let e=Jn().get(t);if(e===null||e.trim()==="")return n;let r=Number(e);return Number.isFinite(r)?r:n},set(t){let n=Jn(),e=n.toString();for(let[s,o]of Object.entries(t))o===null?n.delete(s):n.set(s,String(o));let r=n.toString();if(r!==e){history.replaceState(history.state,"",`${location.pathname}${r?`?${r}`:""}${location.hash}`);for(let s of[...Ft])s()}},subscribe(t){return Ft.add(t),()=>Ft.delete(t)}};typeof window<"u"&&window.addEventListener("popstate",()=>{for(let t of[...Ft])t()});var ee=()=>E.get("model","two-layer"),Vi=400,Ki=150,I=class extends H{constructor(){super(...arguments);this.live=!0;this.prediction=null;this.answer=null;this.beside=null;this.#e=null;this.#t=null;this.#n=0;this.#r=null;this.#s=!1;this.#i=!1;this.#c=null;this.#a=null;this.#h=!1;this.#o="";this.#l="";this.#d=!1;this.#u=null;this.#y=[];this.#p=null;this.#m=!0;this.#f=!1;this.#g=0}controls(){return m}pin(e,r){return null}describe(e){return Object.entries(e).filter(([,r])=>r!=null&&typeof r!="object"&&r!=="").map(([r,s])=>r==="model"?String(s):`${r.replace(/_/g," ")} ${String(s).slice(0,40)}`).join(" · ")}#e;#t;#n;#r;#s;#i;#c;#a;#h;#o;#l;#d;#u;#y;#p;#m;#f;#g;static{this.properties={prediction:{attribute:!1},answer:{attribute:!1},beside:{attribute:!1}}}createRenderRoot(){return this}connectedCallback(){super.connectedCallback(),this.id=this.name,this.classList.add("panel"),this.#x(),this.#y=[E.subscribe(()=>this.#v()),k.subscribe(()=>this.requestUpdate()),v.subscribe(()=>this.requestUpdate())],this.#p=new IntersectionObserver(e=>{this.#m=e.some(r=>r.isIntersecting),this.#m&&this.#f&&this.#v()}),this.#p.observe(this)}disconnectedCallback(){super.disconnectedCallback();for(let e of this.#y)e();this.#p?.disconnect()}setPrediction(e){this.prediction=e,this.#b(),this.act("predicted")}act(e){Ue.tell(`${this.name}:${e}`)}value(e,r=""){return E.get(`${this.name}.${e}`,r)}number(e,r){return E.number(`${this.name}.${e}`,r)}put(e){E.set(Object.fromEntries(Object.entries(e).map(([r,s])=>[`${this.name}.${r}`,s])))}get answered(){return this.#e}get besideAsk(){return this.#t?.ask??null}async runNow(){let e=this.ask();if(typeof e=="string"){this.#a=e,this.requestUpdate();return}window.clearTimeout(this.#g);let r=++this.#n,s=this.#r=new AbortController;this.#s=!0,this.#i=!1,this.#f=!1,this.#c=null,this.#a=null,this.#o="",this.requestUpdate();let o=window.setTimeout(()=>{r===this.#n&&(this.#i=!0,this.requestUpdate())},Vi);lo(this.computation,e).then(i=>{i===null||r!==this.#n||!this.#s||this.#$(e,i,!0)});try{let i=await F(this.computation,e,{panel:this.name,signal:s.signal,onProgress:a=>{r===this.#n&&(this.#c=a,this.requestUpdate())}});if(r!==this.#n)return;this.#$(e,i,!1),this.#o=`${this.heading}: done.`,this.act("ran")}catch(i){if(r!==this.#n)return;De(i)||i instanceof W&&i.kind==="cancelled"?this.#o="Cancelled. Press Run to ask again.":(this.#a=i instanceof Error?i.message:String(i),i instanceof W||console.error(i))}finally{window.clearTimeout(o),r===this.#n&&(this.#s=!1,this.#i=!1,this.#c=null,this.requestUpdate())}}cancel(){this.#r?.abort()}#$(e,r,s){this.#e=e,this.#h=s,this.answer=r,this.requestUpdate()}#w(){if(this.#e===null)return!1;let e=this.ask();return typeof e=="string"||JSON.stringify(e)!==JSON.stringify(this.#e)}#v(){if(this.requestUpdate(),!(!this.live||this.answer===null&&!this.#s)&&!(!this.#w()&&!this.#s)){if(!this.#m){this.#f=!0;return}window.clearTimeout(this.#g),this.#g=window.setTimeout(()=>{this.runNow()},Ki)}}#x(){try{let e=JSON.parse(sessionStorage.getItem(`rung:${this.name}`)??"{}");this.prediction??=e.prediction??null,this.#l=e.gap??"",this.#d=e.explained??!1}catch{}}#b(){try{let e={prediction:this.prediction,gap:this.#l,explained:this.#d};sessionStorage.setItem(`rung:${this.name}`,JSON.stringify(e))}catch{}}render(){return l`<div class="slot">
        <div class="panel-body" role="group" aria-labelledby="${this.name}-heading">${this.#M()}</div>
      </div>
      <dialog aria-labelledby="${this.name}-heading" @close=${()=>this.#q()}></dialog>`}#M(){let{answer:e}=this,r=e!==null&&this.#e!==null;return l`<header class="panel-head">
        <h3 id="${this.name}-heading">${this.heading}</h3>
        <button type="button" class="icon" data-act="enlarge" @click=${()=>this.#R()}>
          <span class="grow">Enlarge</span><span class="shrink">Close</span>
        </button>
      </header>
      <div class="predict stage"><p class="stage-name">Predict</p>${this.predict()}</div>
      <div class="run stage">
        <div class="controls">${this.controls()}</div>
        <div class="run-row">
          <button type="button" class="primary" data-act="run" @click=${()=>{this.runNow()}}>
            ${r?"Run again":"Run"}
          </button>
          ${this.#s&&this.#i?this.#A():m}
          ${!this.#s&&this.#w()?l`<span class="quiet">The settings changed since this run.</span>`:m}
        </div>
        <p class="status" role="status">${this.#o}</p>
        ${this.#a!==null?l`<p class="problem" role="alert">${this.#a}${r?" The figure is that of the run before.":""}</p>`:m}
      </div>
      ${r?this.#T(e,this.#e):m}`}#A(){let e=this.#c,r=e&&e.total>0?e.done/e.total:null;return l`<span class="waiting">
      <progress aria-label="Progress" max="1" value=${r??m}></progress>
      <span role="status">${e?`${e.step}${e.total>0?`: ${e.done} of ${e.total}`:""}`:`Computing: ${this.heading}`}</span>
      <button type="button" data-act="cancel" @click=${()=>this.cancel()}>Cancel</button>
    </span>`}#T(e,r){let s=this.#h?null:this.pin(e,r),o=s!==null&&v.pins.some(i=>i.panel===this.name&&i.title===s.title&&JSON.stringify(i.ask)===JSON.stringify(r));return l`<div class="see stage" aria-busy=${this.#s?"true":"false"}>
        ${this.#h?l`<p class="beforehand">Computed beforehand for ${this.describe(r)}; the live result replaces it.</p>`:m}
        <div class="runs ${this.#t?"two":""}">
          <div class="now">
            ${this.#t?l`<p class="caption"><strong>Now</strong> ${this.describe(r)}</p>`:m}
            ${this.see(e,"now")}
          </div>
          ${this.#t?l`<div class="kept">
                <p class="caption">
                  <strong>Kept</strong> ${this.describe(this.#t.ask)}
                  <button type="button" class="link" data-act="unkeep" @click=${()=>this.#E()}>Remove</button>
                </p>
                ${this.see(this.#t.answer,"beside")}
              </div>`:m}
        </div>
      </div>
      <div class="gap stage">
        <p id="${this.name}-question" class="question">${this.question(e)}</p>
        ${this.#d?l`${this.#l?l`<p class="your-line"><span class="quiet">You:</span> ${this.#l}</p>`:m}`:l`<form
              class="gap-form"
              @submit=${i=>{i.preventDefault(),this.#k(!0)}}
            >
              <input
                type="text"
                autocomplete="off"
                aria-labelledby="${this.name}-question"
                placeholder="One line, in your words"
                .value=${this.#l}
                @input=${i=>{this.#l=i.target.value,this.#b()}}
              />
              <button type="submit" data-act="answer">Compare</button>
              <button type="button" class="link" data-act="skip" @click=${()=>this.#k(!1)}>Skip</button>
            </form>`}
      </div>
      ${this.#d?l`<div class="explain stage">${this.explain(e)}</div>`:m}
      ${this.#S(e,r,s,o)}`}#S(e,r,s,o){let i=this.cli(r),a=this.#u==="python"?this.python(r):this.#u==="cli"?i:null,c=(u,p)=>l`<button
        type="button"
        data-act=${u}
        aria-expanded=${this.#u===u?"true":"false"}
        @click=${()=>{this.#u=this.#u===u?null:u,this.requestUpdate()}}
      >
        ${p}
      </button>`;return l`<footer class="panel-foot">
        ${c("python","As Python")} ${i===null?m:c("cli","As CLI")}
        <span class="spring"></span>
        <button
          type="button"
          data-act="keep"
          @click=${()=>{this.#t={ask:r,answer:e},this.beside=e,this.act("kept")}}
        >
          Keep beside
        </button>
        ${s===null?m:l`<button
              type="button"
              data-act="pin"
              ?disabled=${o}
              @click=${()=>{v.add({...s,panel:this.name,computation:this.computation,ask:r}),this.#o=`Pinned: ${s.title}.`,this.act("pinned")}}
            >
              ${o?"Pinned":"Pin"}
            </button>`}
      </footer>
      ${a===null?m:l`<div class="code">
            <pre tabindex="0" aria-label=${this.#u==="python"?"As Python":"As CLI"}><code>${a}</code></pre>
            <button type="button" data-act="copy" @click=${u=>{this.#_(a,u)}}>Copy</button>
          </div>`}`}#k(e){if(e&&this.#l.trim()===""){this.#o="Write a line first, or press Skip.",this.requestUpdate();return}this.#d=!0,this.#b(),this.act(e?"answered":"skipped"),this.requestUpdate()}#E(){this.#t=null,this.beside=null}async#_(e,r){let s=r.currentTarget;try{await navigator.clipboard.writeText(e),this.#o="Copied."}catch{let o=s.parentElement.querySelector("code");getSelection()?.selectAllChildren(o),this.#o="Selected: press Ctrl-C, or Command-C, to copy."}this.requestUpdate()}#R(){let e=this.querySelector(":scope > dialog"),r=this.querySelector(":scope .panel-body");if(e.open){e.close();return}e.append(r),e.showModal(),r.querySelector("[data-act=enlarge]")?.focus(),this.act("enlarged")}#q(){let e=this.querySelector(":scope > dialog > .panel-body");e&&(this.querySelector(":scope > .slot").append(e),e.querySelector("[data-act=enlarge]")?.focus())}};var S=class extends K{render(){let n=`section-${this.number}`;return l`<section id=${n} aria-labelledby="${n}-heading">
      <h2 id="${n}-heading"><span class="number">${this.number}</span> ${this.heading}</h2>
      ${this.body()}
    </section>`}};var Vn=class extends H{constructor(){super(...arguments);this.name="";this.steps=[];this.at=0;this.#e=null}static{this.properties={name:{},steps:{attribute:!1},at:{state:!0}}}#e;createRenderRoot(){return this}connectedCallback(){super.connectedCallback(),this.#e=Ue.subscribe(e=>{e===this.steps[this.at]?.until&&(this.at+=1)})}disconnectedCallback(){super.disconnectedCallback(),this.#e?.()}render(){let{steps:e,at:r}=this,s=r>=e.length;return l`<aside class="tour" aria-label="Tour: ${this.name}">
      <p class="tour-head">
        <strong>${this.name}</strong>
        <span class="quiet">${s?"done":`step ${r+1} of ${e.length}`}</span>
        ${r>0?l`<button type="button" class="link" @click=${()=>this.at=0}>Start over</button>`:m}
      </p>
      <ol>
        ${e.map((o,i)=>i>r?m:l`<li class=${i<r?"done":"now"} aria-current=${i===r?"step":m}>
                ${i<r?l`<span class="tick" aria-label="done">✓</span> `:m}${o.say}
              </li>`)}
      </ol>
      <p class="quiet" role="status">${s?"That was the tour.":"It goes on once you have done this."}</p>
    </aside>`}};customElements.define("rung-tour",Vn);var pe=(t,n)=>l`<rung-tour .name=${t} .steps=${n}></rung-tour>`;var uo=[["follows","the token that followed the first time"],["even","any token, all about equally likely"],["common","a common word"]],Kn=class extends I{constructor(){super(...arguments);this.name="s01-look";this.heading="Three steps, in one sequence";this.computation="steps.walk"}ask(){return{model:ee(),length:12,seed:this.number("seed",0),at:4}}controls(){return l`<button type="button" @click=${()=>this.put({seed:this.number("seed",0)+1})}>Another sequence</button>
      <span class="quiet">seed ${this.number("seed",0)}</span>`}predict(){return l`<p>
        Twelve random tokens, then the same twelve again. No sentence, nothing to remember from training. At the fifth token
        of the second copy, what does the model expect next?
      </p>
      <fieldset>
        <legend class="sr">What does it expect?</legend>
        ${uo.map(([e,r])=>l`<label><input type="radio" name="s01-guess" .checked=${this.prediction===e} @change=${()=>this.setPrediction(e)} /> ${r}</label> `)}
      </fieldset>`}see(e){let{clean:r,source:s,query:o}=e,i=c=>ie(e.tokens[c]??""),a=uo.find(([c])=>c===this.prediction);return l`<p>
        The query is ${i(o)} at position ${o}; it stood at ${s-1} before, followed by ${i(s)}. The model gives
        ${i(s)} a probability of <strong data-number="probability">${O(r.probability,1)}</strong>, a loss of
        ${N(r.loss)}. ${a?l`You expected ${a[1]}.`:l`<span class="quiet">You made no prediction.</span>`}
      </p>
      <rung-tokens .tokens=${e.tokens} .marks=${[{index:s-1,label:"A"},{index:s,label:"B",role:"copy"},{index:o,label:"A again",role:"match"}]} label="The sequence"></rung-tokens>
      <rung-flow label="Route, match and copy in this sequence" .nodes=${[{id:"a",label:`A at ${s-1}`,column:0},{id:"b",label:`B at ${s}`,column:1,role:"route",value:`${e.route} looks back ${O(r.route_attention)}`,fill:r.route_attention,key:`head:${e.route}`},{id:"q",label:`A at ${o}`,column:2,role:"match",value:`${e.match} finds B ${O(r.match_attention)}`,fill:r.match_attention,key:`head:${e.match}`},{id:"o",label:"says B",column:3,role:"copy",value:`${$(r.copy_logit,1)} logits, ${O(r.probability)}`,fill:r.probability}]} .edges=${[{from:"a",to:"b",role:"route",label:"route"},{from:"b",to:"q",role:"match",label:"match"},{from:"q",to:"o",role:"copy",label:"copy"}]}></rung-flow>
      <p class="quiet">
        ${e.route}: previous-token score ${$(e.route_signature)}; ${e.match}: induction score ${$(e.match_signature)}; a clue begins at
        ${$(e.clue)}.
      </p>`}question(){return"A picture of three arrows is before you. What in it would still be there if the model did something else?"}explain(e){return l`<p>
        The arrows are attention weights and a logit of one sequence. They say where ${R(`head:${e.route}`,`head ${e.route}`)} and
        ${R(`head:${e.match}`,`head ${e.match}`)} look, and what came out. They don’t say that the model needs these heads, nor that
        the one hears the other. A head may look at B and write nothing.
      </p>
      <p>That is why the page has fourteen sections and not one.</p>`}python(e){let r=s=>`(${s.replace(".",", ")})`;return`from rung import HookedTransformer
from rung.methods.steps import induction_steps
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("${e.model}")
task = repeated_tokens(model, period=${e.length}, sequences=1, seed=${e.seed})
print(induction_steps(model, task.tokens[0], ${r(this.answer?.route??"0.0")}, ${r(this.answer?.match??"1.0")}, task.second + ${e.at}))`}cli(e){return`rung heads ${e.model}`}pin(e){return{title:`${e.match} attends to what followed the earlier token`,rung:1,value:e.clean.match_attention,unit:"attention, one query",n:1,subject:e.match}}};customElements.define("rung-s01-look",Kn);var Gn=class extends S{constructor(){super(...arguments);this.number=1;this.heading="What this is"}body(){return l`<p>
        This page teaches two things at once. One is an algorithm that transformers find by themselves: when a token comes back,
        say what followed it the last time. The other is the small set of tools that show how a model does it, and how sure you
        may be.
      </p>
      <p>The algorithm has three steps.</p>
      <ul>
        <li>${we("Route")}: a head writes into B’s place that A came before it.</li>
        <li>${ce("Match")}: a later head, at the second A, finds the place that says so.</li>
        <li>${$t("Copy")}: the same head carries B from there to the output.</li>
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
      ${pe("Your first run",[{say:l`Say what you expect the model to predict.`,until:"s01-look:predicted"},{say:l`Press <strong>Run</strong>.`,until:"s01-look:ran"},{say:l`Answer the question in a line of your own, or skip it.`,until:"s01-look:answered"}])}
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
`}};customElements.define("rung-section-01",Gn);var Yn=class extends S{constructor(){super(...arguments);this.number=2;this.heading="Concrete access"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-02",Yn);var Xn=class extends S{constructor(){super(...arguments);this.number=3;this.heading="Direct path, attention path"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-03",Xn);var Qn=class extends S{constructor(){super(...arguments);this.number=4;this.heading="The residual stream"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-04",Qn);var Zn=class extends S{constructor(){super(...arguments);this.number=5;this.heading="Skip-trigrams"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-05",Zn);var V=()=>E.number("length",20),X=()=>E.number("seed",0),j=t=>t.low===null||t.high===null?{}:{low:t.low,high:t.high},co=t=>n=>{let e=n.target;e.value!==""&&e.reportValidity()&&E.set({[t]:e.value})},We=()=>l`<label
    >Tokens in a copy <input type="range" min="4" max="60" .value=${String(V())} @change=${co("length")} />
    <output>${V()}</output></label
  >
  <label>Seed <input type="number" min="0" max="999999" .value=${String(X())} @change=${co("seed")} /></label>`,te=(t,n,e,r)=>l`<div class="choices" role="group" aria-label=${t}>
  ${n.map(([s,o])=>l`<button type="button" data-choice=${s} aria-pressed=${e===s?"true":"false"} @click=${()=>r(s)}>
        ${o}
      </button>`)}
</div>`,Se=(t,n,e,r,s=.1)=>l`<label
  >${t}
  <input
    type="range"
    min="0"
    max=${n}
    step=${s}
    .value=${String(e??0)}
    @change=${o=>r(Number(o.target.value))}
  />
  <output>${e===void 0?"?":String(e)}</output></label
>`;var it=(t,n)=>n<t.second?"first copy":"second copy";var er=class extends I{constructor(){super(...arguments);this.name="s06-board";this.heading="The board: one random text, twice";this.computation="board.loss";this.#e={key:"",found:null}}#e;ask(){return{model:ee(),length:V(),seed:X(),sequences:16}}willUpdate(){let e={model:ee(),length:V(),seed:X()},r=JSON.stringify(e);this.#e.key!==r&&(this.#e={key:r,found:null},F("board.guess",e,{panel:"s06-guess"}).then(s=>{this.#e.key===r&&(this.#e={key:r,found:s},this.requestUpdate())},()=>{}))}#t(){return this.prediction??{}}predict(){let e=this.#t(),r=s=>this.setPrediction({...e,...s});return l`${this.#n(e,r)}
      <p>Then the loss of each copy, in nats. What do you expect?</p>
      <div class="controls">
        ${Se("First copy",12,e.first,s=>r({first:s}))}
        ${Se("Second copy",12,e.second,s=>r({second:s}))}
      </div>`}#n(e,r){let s=this.#e.found;if(!s)return l`<p class="quiet">Drawing a sequence…</p>`;let{sequence:o,query:i,answer:a}=s,c=[...o.texts.slice(0,i+1),"?"],u=e.guess!==void 0&&e.guess<=i?e.guess:null,p=u!==null&&o.texts[u]===o.texts[a];return l`<p>Play <strong>?</strong> first: which token comes next? Choose it where it stands already.</p>
      <rung-tokens
        label="The sequence so far"
        .tokens=${c}
        .selected=${u}
        .marks=${[{index:o.second,label:"second copy"},{index:i+1,label:"you"}]}
        @pick=${h=>h.detail.index<=i&&r({guess:h.detail.index})}
      ></rung-tokens>
      ${u===null?m:l`<p class="your-guess" role="status">
            ${ie(o.texts[u])} is <strong>${p?"right":"wrong"}</strong>${p?"":l`: it is ${ie(o.texts[a])}`}.
            Guessing blindly is right once in ${s.vocabulary} times; knowing which ${o.period} tokens there are, once in
            ${o.period}; finding the earlier ${ie(o.texts[i])} and reading on, every time.
          </p>`}`}controls(){return We()}see(e,r){let s=r==="now"?this.#t():{},{sequence:o}=e,i=L.from(e.by_position),a=this.#e.found?.query;return l`<rung-bars
        layout="columns"
        label="Loss of each token, mean over ${e.n} sequences"
        unit="nats"
        .tokens=${!0}
        .items=${Array.from(i.data,(c,u)=>({label:o.texts[u+1],value:c,group:it(o,u+1),key:u+1===o.second?"s06:turn":`pos:${u+1}`}))}
        .rules=${[{at:e.ln_vocabulary,label:"ln V"},{at:e.ln_period,label:"ln n"}]}
      ></rung-bars>
      <rung-bars
        label="Mean loss of both copies"
        unit="nats"
        .items=${[{label:"first copy",value:e.first.value,...j(e.first),predicted:s.first},{label:"second copy",value:e.second.value,...j(e.second),predicted:s.second}]}
      ></rung-bars>
      <p class="facts">
        Gain <strong data-number="gain">${N(e.gain.value)}</strong>; the second copy’s tokens are right
        <strong data-number="accuracy">${O(e.accuracy)}</strong> of the time.
        ${r==="now"&&a!==void 0&&a<i.shape[0]?l`At your <strong>?</strong> the model gave the right token
              <strong data-number="yours">${O(Math.exp(-L.from(e.example).at(a)))}</strong>.`:m}
      </p>`}question(e){return`${N(e.first.value)} on the first copy, ${N(e.second.value)} on the second: what did the model have to find, and what did it not have to know?`}explain(e){let r=e.first.value-e.ln_vocabulary;return l`<p>
        <strong>A first reading, and why it fails:</strong> “the model has got used to these tokens.” Knowing which tokens
        are left, but not their order, cannot get below ${R("s06:order","ln n")} for long. The order itself was read off.
      </p>
      <p>
        Memorised pairs cannot help: these pairs occur in no text. So the first copy costs about ln V =
        ${N(e.ln_vocabulary)}${r>.5?l`; here it is ${N(r)} more, for the model expects text and is confidently wrong`:""}.
      </p>
      <p>
        ${R("s06:turn","The second copy’s first token")} stays expensive. Nothing says that a repeat begins: only the
        tokens after it can be read off.
      </p>
      <p>This is rung 0, behaviour: there is something to explain. It says nothing of how the model does it.</p>`}python(e){return`from rung import HookedTransformer
from rung.methods.behaviour import loss_by_position
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("${e.model}")
task = repeated_tokens(model, period=${e.length}, sequences=${e.sequences}, seed=${e.seed})
board = loss_by_position(model, task)
board.first_copy_loss, board.second_copy_loss`}cli(e){return`rung board ${e.model} --period ${e.length} --sequences ${e.sequences} --seed ${e.seed}`}pin(e){let{gain:r}=e;return{test:"behaviour.gain",title:"Loss falls on the second copy",rung:0,value:r.value,unit:"nats",n:r.n,...j(r),floor:e.floor,holds:r.low!==null&&r.low>=e.floor,subject:"the model"}}};customElements.define("rung-s06-board",er);function Fe(t,n){let e=t.at(-1)?.[n]??[],r=[0,0];return e.forEach((s,o)=>s.forEach((i,a)=>i>(e[r[0]]?.[r[1]]??-1)&&(r=[o,a]))),r}var Gi=t=>t.filter((n,e)=>e>0&&n.stage!==t[e-1].stage).map(n=>t[t.indexOf(n)-1].step);function po(t,n,e,r=null){let[s,o]=[Fe(t,"previous_token"),Fe(t,"induction")],i=u=>t.map(p=>[p.step,u(p)]),a=Math.max(...t.map(u=>Math.max(u.first,u.second)),1),c=u=>r===null?[]:[{label:`you: step ${r}`,points:[[r,0],[r,u]],predicted:!0}];return l`<rung-lines
      label="Loss during training"
      x="step"
      y="nats"
      height="200"
      .xDomain=${[0,n]}
      .cursor=${e}
      .series=${[{label:"first copy",points:i(u=>u.first),dashed:!0},{label:"second copy",points:i(u=>u.second)},...c(a)]}
    ></rung-lines>
    <rung-lines
      label="Head scores during training"
      x="step"
      y="attention"
      height="180"
      .domain=${[0,1]}
      .xDomain=${[0,n]}
      .cursor=${e}
      .series=${[{label:`${s.join(".")} previous token`,points:i(u=>u.previous_token[s[0]][s[1]]),role:"route"},{label:`${o.join(".")} induction`,points:i(u=>u.induction[o[0]][o[1]]),role:"match"},...c(1)]}
    ></rung-lines>`}var tr=class extends I{constructor(){super(...arguments);this.name="s06-phase";this.heading="The phase change";this.computation="training.checkpoint";this.#e=null}#e;connectedCallback(){super.connectedCallback(),F("training.curve",{},{panel:"s06-shipped"}).then(e=>{this.#e=e.kept,this.requestUpdate()},()=>{})}#t(){return this.#e?.checkpoints??[this.number("step",500)]}ask(){return{step:this.number("step",500),length:Math.min(V(),31),draw:X()}}predict(){let e=this.prediction;return l`<p>
        The tiny model was kept at a dozen steps of its training. At which step, do you think, does the second copy’s loss fall?
      </p>
      <div class="controls">${Se("Step",this.#e?.steps??2500,e??void 0,r=>this.setPrediction(r),25)}</div>`}controls(){let e=this.#t(),r=Math.max(0,e.indexOf(this.ask().step));return l`<label
      >Checkpoint
      <input
        type="range"
        min="0"
        max=${e.length-1}
        aria-valuetext="step ${e[r]}"
        .value=${String(r)}
        @input=${s=>{this.put({step:e[Number(s.target.value)]}),this.act("moved")}}
      />
      <output>step ${e[r]}</output></label
    >`}see(e,r){let{points:s,steps:o}=e.kept,i=L.from(e.patterns),[a,c]=[Fe(s,"previous_token"),Fe(s,"induction")].map(d=>e.heads.indexOf(d.join("."))),{texts:u,period:p}=e.sequence,h=(d,b,f,y,A)=>l`<div>
        <p class="caption">${R(`head:${e.heads[d]}`,e.heads[d])} ${y}: <strong>${$(A)}</strong></p>
        <rung-heatmap
          label="Attention of ${e.heads[d]} at step ${e.step}"
          .grid=${i.slice(d)}
          .rows=${u}
          .cols=${u}
          rowName="query"
          colName="key"
          .causal=${!0}
          .size=${260}
          .guides=${[{kind:"diagonal",offset:b,label:y,role:f}]}
        ></rung-heatmap>
      </div>`;return l`${r==="now"?po(s,o,e.step,this.prediction):m}
      <p class="facts">
        Step <strong>${e.step}</strong>: first copy <strong data-number="first">${N(e.first)}</strong>, second copy
        <strong data-number="second">${N(e.second)}</strong>, in-context score
        <strong data-number="in-context">${D(e.in_context)}</strong> (second − first).
      </p>
      <rung-bars
        layout="columns"
        label="Loss of each token at step ${e.step}"
        unit="nats"
        .tokens=${!0}
        .domain=${[0,10]}
        .items=${Array.from(L.from(e.by_position).data,(d,b)=>({label:u[b+1],value:d,group:it(e.sequence,b+1)}))}
        .rules=${[{at:e.ln_vocabulary,label:"ln V"}]}
      ></rung-bars>
      <div class="pair">
        ${h(a,-1,"route","previous token",e.previous_token[a])}
        ${h(c,1-p,"match","induction",e.induction[c])}
      </div>`}question(){return"Which came first: the falling loss, the previous-token score, or the induction score? Did you expect that order?"}explain(e){let{points:r,stages:s}=e.kept,[o,i]=[Fe(r,"previous_token"),Fe(r,"induction")],a=r.find(u=>u.induction[i[0]][i[1]]>=.5),c=a?.previous_token[o[0]][o[1]]??NaN;return l`<p>
        You may have expected ${we("route")}, then ${ce("match")}, then loss. The scores do not wait for one another: when ${i.join(".")} reaches one half, at
        step ${a?.step}, ${o.join(".")} looks one back with ${$(c)} of its attention. The second copy’s loss is halved at step
        ${r.find(u=>u.second<=u.first/2)?.step}. A blurred route already tells a match where to look; both then sharpen. Whether one causes the other no
        curve can say: the verdicts below can.
      </p>
      <p>
        Do not read more out of the sharp fall than is there. This recipe is a curriculum of ${s} stages; the next ones began at steps
        ${Gi(r).join(" and ")}. And a score that rises with the loss is still a clue, not a cause.
      </p>`}python(e){return`from rung import HookedTransformer
from rung.methods.behaviour import loss_by_position
from rung.methods.patterns import head_scores
from rung.tasks.builtin import repeated_tokens
from rung.training import checkpoints

folder = checkpoints("two-layer-tiny")[${e.step}]
model = HookedTransformer.from_pretrained(str(folder))
task = repeated_tokens(model, period=${e.length}, sequences=16, seed=${e.draw})
loss_by_position(model, task).second_copy_loss, head_scores(model, task)["induction"]`}cli(){return"rung models two-layer-tiny"}};customElements.define("rung-s06-phase",tr);var nr=class extends I{constructor(){super(...arguments);this.name="s06-train";this.heading="Train it here";this.computation="training.train";this.live=!1;this.#e=null;this.#t=!1}#e;#t;ask(){return{seed:this.number("seed",0),take:this.number("take",0)}}connectedCallback(){super.connectedCallback(),this.#n()}async#n(){let e=this.ask();try{let r=await F("training.curve",e,{panel:"s06-train-curve"});JSON.stringify(e)===JSON.stringify(this.ask())&&(this.#e=r)}catch{}this.requestUpdate()}async runNow(){if(this.#t)return;this.#t=!0;let e=window.setInterval(()=>{this.#n()},700);try{await super.runNow()}finally{window.clearInterval(e),this.#t=!1,await this.#n(),!this.#e?.kept.finished&&this.#e?.kept.points.length&&this.act("stopped")}}predict(){let e=this.#e?.shipped_seconds??[];return l`<p>
        The same model from random weights, on your machine: 102,400 weights, the recipe of the one that is shipped. When will the second copy’s
        loss fall this time, with another seed?
      </p>
      ${e.length?l`<p class="quiet">
            With three seeds its ${this.#e.kept.steps} steps took ${e.map(r=>`${r} s`).join(", ")} on one thread where the shipped model
            was made (its card says so). The page says below how fast yours is.
          </p>`:m}
      <div class="controls">
        ${Se("Step",this.#e?.kept.steps??2500,this.prediction??void 0,r=>this.setPrediction(r),25)}
      </div>`}controls(){let e=this.#e?.kept,r=e?.points.at(-1),s=r&&r.seconds>0?r.step/r.seconds:null;return l`<label
        >Seed
        <input
          type="number"
          min="0"
          max="999999"
          ?disabled=${this.#t}
          .value=${String(this.ask().seed)}
          @change=${o=>{this.put({seed:o.target.value,take:null}),this.#n()}}
      /></label>
      ${r&&!this.#t?l`<button
            type="button"
            data-act="afresh"
            @click=${()=>{this.put({take:(this.ask().take+1)%9}),this.#e=null,this.#n()}}
          >
            Begin again
          </button>`:m}
      ${r&&e?l`<div class="wide">
            ${po(e.points,e.steps,null,this.prediction)}
            <p class="facts" data-step=${r.step}>
              Step <strong>${r.step}</strong> of ${e.steps}, stage ${r.stage+1} of ${e.stages}; second copy ${N(r.second)}.
              ${s===null||e.finished?m:l`${$(s,0)} steps a second: about ${$((e.steps-r.step)/s,0)} s to go.`}
              ${e.finished?l`Done: ${$(r.seconds,0)} s of training on this machine.`:this.#t?m:l`Stopped. <strong>Run</strong> goes on from here.`}
            </p>
          </div>`:m}`}see(e){let r=e.kept.points.at(-1);return l`<p class="facts">
      Trained: second copy <strong data-number="second">${N(r.second)}</strong> after ${e.kept.steps} steps in ${$(r.seconds,0)} s.
      ${e.kept.checkpoints.length} steps were kept: each can be proved below.
    </p>`}question(){return"Your run has another seed. What stayed the same about the order of events, and what moved?"}explain(){return l`<p>
      The recipe makes one head of each layer learn faster, so the roles fall to the same heads from every seed; no connection is set. The weights
      are others: what you may say of one run, you may say of another only after proving it there.
    </p>`}python(e){return`from pathlib import Path
from rung.training import RECIPES, train

train(RECIPES["two-layer-tiny"], Path("my-tiny"), seed=${e.seed}, progress=print)`}cli(e){return`rung train two-layer-tiny --out my-tiny --seed ${e.seed}`}};customElements.define("rung-s06-train",nr);var ho=[0,300,400,450,500,550,600,700,1e3,2500],Yi=["behaviour","clue","contribution","causal support","mechanism"],rr=class extends I{constructor(){super(...arguments);this.name="s06-rungs";this.heading="When each rung turns on";this.computation="training.rungs";this.live=!1;this.#e=null}#e;#t(){return this.value("of","shipped")==="here"}ask(){let e=this.value("step");if(!this.#t())return{steps:e?[Number(e)]:ho,seed:null,take:0};let r={seed:E.number("s06-train.seed",0),take:E.number("s06-train.take",0)};return e?{steps:[Number(e)],...r}:this.#e===null?"Nothing was trained here yet: train it above, and stop where you like.":{steps:ho.concat(this.#e.slice(-1)).filter((s,o,i)=>this.#e.includes(s)&&i.indexOf(s)===o),...r}}async runNow(){if(this.#t()){let e={seed:E.number("s06-train.seed",0),take:E.number("s06-train.take",0)},{kept:r}=await F("training.curve",e,{panel:"s06-rungs-kept"});this.#e=r.checkpoints.length?r.checkpoints:null}await super.runNow()}predict(){return l`<p>The claim: an earlier head ${we("routes")}, a later one ${ce("matches")} and ${$t("copies")}. Which rung will the shipped run’s step 700 reach?</p>
      ${te("Rung at step 700",Yi.map(e=>[e,e]),this.prediction,e=>this.setPrediction(e))}`}controls(){return l`${te("Which run",[["shipped","the shipped run"],["here","the run trained here"]],this.#t()?"here":"shipped",e=>this.put({of:e}))}
      <label
        >One step alone
        <input
          type="number"
          min="0"
          step="25"
          placeholder="a dozen"
          .value=${this.value("step")}
          @change=${e=>this.put({step:e.target.value||null})}
      /></label>`}see(e){let r=e.reached.find(s=>s.step===700);return l`<rung-lines
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
      ${r&&this.prediction?l`<p class="facts">You said ${String(this.prediction)} at step 700; it is <strong>${r.name}</strong>.</p>`:m}`}question(){return"At some step the stripe is there and the verdict is not yet mechanism. What is still missing in the weights?"}explain(e){let r=e.reached.find(s=>s.rung>=1&&s.rung<4);return l`<p>
        A curve of scores would have stopped at the clue. The same claim, tested at each step on sequences that nobody picked, shows the rungs turn on one after another.
      </p>
      ${r?l`<p>
            At step ${r.step} the verdict is ${r.name}; ${r.stopped_by?l`<code>${r.stopped_by.join(" ")}</code> stopped it.`:""} The scores of that step alone would not have told you so.
          </p>`:m}`}python(e){return`from rung import HookedTransformer, prove
from rung.training import checkpoints

for step in ${JSON.stringify(e.steps).replace(/,/g,", ")}:
    folder = checkpoints(${e.seed===null?'"two-layer-tiny"':'"my-tiny"'})[step]
    proof = prove("induction", HookedTransformer.from_pretrained(str(folder)))
    print(step, proof.verdict.name)`}cli(e){return`rung prove induction --model ${e.seed===null?"src/rung/model/bundled/two-layer-tiny":"my-tiny"}/checkpoints/step-${String(e.steps.at(-1)).padStart(5,"0")}`}pin(e){let r=e.reached.at(-1);return!r||r.rung<0?null:{title:`${r.name} at step ${r.step}`,rung:r.rung,value:r.step,unit:"training steps"}}};customElements.define("rung-s06-rungs",rr);var sr=class extends S{constructor(){super(...arguments);this.number=6;this.heading="The board"}body(){return l`<p>
        You need a test that no memory can pass. Draw tokens at random, put BOS before them, and write the same tokens down once more:
        <code>A B … A ? → B</code>.
      </p>
      <p>
        No pair of these tokens was ever in a text, so the ${R("s06:direct","direct path")} knows nothing. Whoever predicts the second copy must
        have looked back at ${R("s06:first","the first")}.
      </p>
      ${pe("The board",[{say:l`Guess the token at <strong>?</strong> in the first panel.`,until:"s06-board:predicted"},{say:l`Run it, and find ${R("s06:turn","the one bar of the second copy that stays high")}.`,until:"s06-board:ran"},{say:l`Run the phase change, and press <em>Keep beside</em>.`,until:"s06-phase:kept"},{say:l`Move the slider to a later step, and compare the two.`,until:"s06-phase:moved"},{say:l`Prove the kept steps in the last panel.`,until:"s06-rungs:ran"}])}
      <rung-s06-board></rung-s06-board>
      <p>
        Nobody told this model to look back. It came to do so during training, and within a few hundred steps. Move along them, and watch what
        turns on.
      </p>
      <rung-s06-phase></rung-s06-phase>
      <p>That was a run that somebody else made. Make one yourself: stop it anywhere, go on later, and prove it at any step.</p>
      <rung-s06-train></rung-s06-train>
      <rung-s06-rungs></rung-s06-rungs>`}};customElements.define("rung-section-06",sr);var Jt=t=>t.replace(/_/g," "),mo={previous_token:"route",previous:"route",induction:"match"},Xi={induction:"after the earlier match",previous:"one back",duplicate:"the earlier match itself",self:"itself (parking)",bos:"BOS (parking)",elsewhere:"elsewhere"},Qi=[["same","at the earlier A itself"],["after","at the token after the earlier A"],["before","at the token just before the query"],["bos","at BOS"]],or=class extends I{constructor(){super(...arguments);this.name="s07-heads";this.heading="All heads, sorted";this.computation="signatures.heads"}ask(){return{model:ee(),length:V(),seed:X(),sequences:16}}predict(){return l`<p>
        In <code>A B … A</code> the second A has to call for B. Where does an ${ce("induction")} head look from there? Your line is drawn on the map.
      </p>
      ${te("Where an induction head looks",Qi,this.prediction,e=>this.setPrediction(e))}`}controls(){return l`${We()}
      <label
        ><input
          type="checkbox"
          .checked=${this.value("weighted")==="1"}
          @change=${e=>{this.put({weighted:e.target.checked?"1":null}),this.act("weighted")}}
        />
        weight by value written</label
      >`}#e(e){let r=L.from(e.patterns),s=e.heads.map((a,c)=>r.slice(c));if(this.value("weighted")!=="1")return{grids:s,most:1};let o=L.from(e.written),i=s.map((a,c)=>new L(a.shape,a.data.map((u,p)=>u*o.at(c,p%a.shape[1]))));return{grids:i,most:Math.max(...i.map(a=>a.max()),1e-9)}}#t(e){let r=this.value("head");return Math.max(0,e.heads.findIndex(s=>s.head===(r||e.heads.find(o=>o.signature==="induction")?.head)))}see(e,r){let{texts:s,period:o,second:i}=e.sequence,{grids:a,most:c}=this.#e(e),u=c!==1,p=this.#t(e),h=e.heads[p],d={same:-o,after:1-o,before:-1}[String(this.prediction)],b=[{kind:"diagonal",offset:-1,label:"previous token: one below the diagonal",role:"route"},{kind:"diagonal",offset:1-o,label:"induction: after the earlier match",role:"match"},{kind:"row",offset:i,label:"the second copy begins"}];return r==="now"&&d!==void 0&&b.push({kind:"diagonal",offset:d,label:"your line"}),r==="now"&&this.prediction==="bos"&&b.push({kind:"column",offset:0,label:"your line"}),l`<rung-thumbs
        label="Heads, the highest signature first"
        .grids=${u?a.map(f=>new L(f.shape,f.data.map(y=>y/c))):a}
        .labels=${e.heads.map(f=>f.head)}
        .keys=${e.heads.map(f=>`head:${f.head}`)}
        .scores=${e.heads.map(f=>l`<span class="role ${mo[f.label]??""}">${Jt(f.label)}</span> ${$(f.score)} / floor ${$(f.floor)}`)}
        .selected=${p}
        @pick=${f=>{let y=e.heads[f.detail.index].head;this.put({head:y}),k.set(`head:${y}`),this.act("picked")}}
      ></rung-thumbs>
      <p class="facts">
        ${R(`head:${h.head}`,h.head)}: <strong data-number="label">${Jt(h.label)}</strong>. ${h.label==="none fits"?"Nearest":""} ${Jt(h.signature)} score
        <strong data-number="score">${$(h.score)}</strong>${h.estimate.low===null||h.estimate.high===null?"":` ${qe(h.estimate.low,h.estimate.high)}`},
        floor <strong data-number="floor">${$(h.floor)}</strong>${h.control===null?m:l`, on text without a repeat ${$(h.control)}`}.
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
        .guides=${b}
        .focusKey=${(f,y)=>`pos:${y}`}
        @cell=${f=>{let{row:y,col:A}=f.detail;y>=i&&A===y-o+1&&this.act("found-stripe")}}
      ></rung-heatmap>
      <rung-bars
        label="Where ${h.head} looks from the second copy"
        unit="share of its attention"
        .domain=${[0,1]}
        .items=${Object.entries(h.split).map(([f,y])=>({label:Xi[f]??f,value:y,role:mo[f],key:`s07:${f}`}))}
      ></rung-bars>`}question(){return"Where does the stripe lie, and why not one further left?"}explain(e){let{period:r}=e.sequence,s=e.heads.filter(i=>i.split.bos+i.split.self>=.3),o=e.heads.filter(i=>i.label==="none fits").length;return l`<p>
        The stripe lies ${r-1} below the diagonal, not ${r}. A head that looked at the earlier A would find A; B is what has to be carried, and B stands ${R("s07:induction","one later")}.
        Looking at the same token is a ${R("s07:duplicate","duplicate-token")} signature: another job.
      </p>
      <p>
        <strong>BOS and itself are parking spots, not meaning.</strong> Attention sums to 1, so a head with nothing to do must look somewhere.
        ${s.length?l`Here ${s.map(i=>i.head).join(", ")} ${s.length>1?"leave":"leaves"} 30 % or more there.`:""} It does not erase a signature either: a head may park
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
weighted_patterns(model, task.tokens[:1]).weighted  # [batch, layer, head, query, key]`}cli(e){return`rung heads ${e.model} --period ${e.length} --sequences ${e.sequences} --seed ${e.seed}`}pin(e){let r=e.heads[this.#t(e)];return{test:"clue.signature",title:`${r.head}: ${Jt(r.signature)} score`,rung:1,value:r.score,unit:"attention",n:e.n,...j(r.estimate),...r.control===null?{}:{control:r.control},floor:r.floor,holds:r.score>=r.floor,subject:r.head}}};customElements.define("rung-s07-heads",or);var Kt=()=>E.number("s07-quiz.pair",0),Vt=()=>E.get("s07-quiz.choice"),ir=class extends I{constructor(){super(...arguments);this.name="s07-quiz";this.heading="Which of these two is the decoy?";this.computation="signatures.quiz"}ask(){return{seed:Kt()}}predict(){return l`<p>Two heads of one model, wired by hand. One does induction; the other looks the same and writes nothing. Will the maps tell you which?</p>
      ${te("Will the maps tell?",[["yes","Yes"],["no","No"]],this.prediction,e=>this.setPrediction(e))}`}controls(){return l`<label
      >Pair
      <input
        type="number"
        min="0"
        max="999"
        .value=${String(Kt())}
        @change=${e=>this.put({pair:e.target.value,choice:null})}
    /></label>`}see(e){let r=L.from(e.patterns),{texts:s,period:o}=e.sequence;return l`<div class="pair">
        ${["A","B"].map((i,a)=>l`<div>
            <p class="caption"><strong>${i}</strong>: induction score ${$(e.induction[a],3)}, on text without a repeat ${$(e.control[a],3)}</p>
            <rung-heatmap
              label="Attention of head ${i}"
              .grid=${r.slice(a)}
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
      ${te("The decoy",[["A","A is the decoy"],["B","B is the decoy"]],Vt(),i=>{this.put({choice:i}),this.act("chose")})}
      ${Vt()?l`<p class="facts" role="status">You said ${Vt()}. Section 9 has the tool that tells; your answer waits there.</p>`:m}`}question(){return"What on these maps made you choose, and how sure are you?"}explain(){return l`<p>
      Nothing here can tell. A pattern is made by Q and K; what is written is made by V and O, and the map shows none of it. Two sections on,
      <a href="#decoy-answer">attribution</a> asks what each head adds to the right token.
    </p>`}python(e){return`from rung.methods.patterns import head_scores
from rung.planted.models import plant
from rung.tasks.builtin import repeated_tokens

planted = plant("passenger", ${e.seed})
head_scores(planted.model, repeated_tokens(planted.model, period=12, sequences=16, seed=${e.seed}))["induction"]`}cli(){return null}};customElements.define("rung-s07-quiz",ir);var ar=class extends H{constructor(){super(...arguments);this.found=null;this.problem="";this.#e=null}static{this.properties={found:{state:!0},problem:{state:!0}}}#e;createRenderRoot(){return this}connectedCallback(){super.connectedCallback(),this.id="decoy-answer",this.classList.add("panel"),this.#e=E.subscribe(()=>this.requestUpdate())}disconnectedCallback(){super.disconnectedCallback(),this.#e?.()}async#t(){let e=Kt();try{let r=await F("signatures.solution",{seed:e},{panel:"decoy-answer"});this.problem="",this.found={pair:e,answer:r},Ue.tell("s07-quiz:solved")}catch(r){this.problem=r instanceof Error?r.message:String(r)}}render(){let e=this.found?.pair===Kt()?this.found.answer:null,r=Vt();return l`<div class="panel-body">
      <h3>The decoy of section 7</h3>
      <p>${r?l`You said that <strong>${r}</strong> is the decoy.`:l`You have not chosen yet: <a href="#s07-quiz">which of the two?</a>`}</p>
      <div class="run-row">
        <button type="button" class="primary" data-act="reveal" @click=${()=>{this.#t()}}>What does each add to the right token?</button>
      </div>
      ${this.problem?l`<p class="problem" role="alert">${this.problem}</p>`:m}
      ${e?l`<rung-bars
              label="Direct attribution to the right token's logit"
              unit=${e.unit}
              .signed=${!0}
              .items=${[...e.direct.map((s,o)=>({label:"AB"[o],value:s.value,...j(s)})),{label:"all parts",value:e.total.value,...j(e.total)}]}
            ></rung-bars>
            <p class="facts" role="status">
              The decoy is <strong data-number="decoy">${e.decoy}</strong>${r?r===e.decoy?": you were right, but the maps could not have told you.":": the maps misled you, as they were built to.":"."}
              It adds ${D(e.direct["AB".indexOf(e.decoy)].value,3)} of ${D(e.total.value)}.
            </p>`:m}
    </div>`}};customElements.define("rung-decoy-answer",ar);var lr=class extends S{constructor(){super(...arguments);this.number=7;this.heading="Signatures"}body(){return l`<p>Who looked back? Read the attention of every head on the board: a row is a query, a column is where it looks.</p>
      <p>
        Expect two signatures. A ${we("previous-token")} head looks ${R("s07:previous","one below the diagonal")}, always. An
        ${ce("induction")} head shows ${R("s07:induction","a stripe")} in the second copy, at the token <em>after</em> the earlier match.
      </p>
      ${pe("Reading signatures",[{say:l`Say where the stripe will lie, then run.`,until:"s07-heads:ran"},{say:l`Choose a head among the thumbnails.`,until:"s07-heads:picked"},{say:l`On an induction head’s map, go to a query of the second copy and press <kbd>m</kbd> or click: find the stripe.`,until:"s07-heads:found-stripe"},{say:l`Weight by value written. What fades?`,until:"s07-heads:weighted"},{say:l`Name the decoy.`,until:"s07-quiz:chose"}])}
      <rung-s07-heads></rung-s07-heads>
      <p>Now be careful. Two heads can draw the same map, and only one of them need be of any use.</p>
      <rung-s07-quiz></rung-s07-quiz>`}};customElements.define("rung-section-07",lr);var fo=[["zero","zero"],["mean","mean"],["resample","resample"],["patch","patch"]],go={z:"one head",attn_out:"attention out",mlp_out:"MLP out",resid_pre:"residual before",resid_post:"residual after"},at=t=>`${t.layer}.${t.site==="z"?t.head:t.site}:${t.put}${t.positions?`@${t.positions.join(",")}`:""}`;function Zi(t){let n=/^(\d+)\.(\d+|[a-z_]+):(zero|mean|resample|patch)(?:@(\d+(?:,\d+)*))?$/.exec(t);if(!n)return null;let[,e,r,s,o]=n,i=/^\d+$/.test(r)?Number(r):null;return i===null&&!(r in go)?null:{layer:Number(e),site:i===null?r:"z",head:i,put:s,positions:o?o.split(",").map(Number):null}}var hr=class extends I{constructor(){super(...arguments);this.name="s08-edit";this.heading="Cache, hook, measure";this.computation="measure.edit"}#e(){return this.value("moves").split(";").map(Zi).filter(e=>e!==null)}ask(){let e=this.value("query");return{model:ee(),length:V(),seed:X(),sequences:8,moves:this.#e(),query:e?Number(e):null,show:this.value("show")||null}}describe(e){return`${e.model} · ${e.moves.length?e.moves.map(at).join(" + "):"clean"}`}predict(){return l`<p>You are about to take one head away. By how many nats will the second copy’s loss rise?</p>
      <div class="controls">${Se("Rise",12,this.prediction??void 0,e=>this.setPrediction(e))}</div>`}#t(){let e=this.value("site","z"),r=this.value("at").split(/[\s,]+/).filter(s=>/^\d+$/.test(s)).map(Number);return{layer:this.number("layer",1),site:e,head:e==="z"?this.number("head",0):null,put:this.value("put","mean"),positions:r.length?r:null}}#n(e,r){this.put({moves:e.length?e.map(at).join(";"):null}),this.act(r),this.runNow()}controls(){let{answer:e}=this,r=this.#e(),s=this.#t(),o=(a,c,u)=>l`<select data-key=${a} @change=${p=>this.put({[a]:p.target.value})}>
        ${c.map(([p,h])=>l`<option value=${p} ?selected=${String(p)===String(u)}>${h}</option>`)}
      </select>`,i=a=>Array.from({length:a},(c,u)=>[u,String(u)]);return l`<ol class="rail">
      <li><strong>Cache</strong> a clean run of <span class="controls">${We()}</span></li>
      <li>
        <strong>Hook</strong>
        <span class="controls">
          <label>Where ${o("site",Object.entries(go).filter(([a])=>a!=="mlp_out"||(e?.mlps??!0)),s.site)}</label>
          <label>Layer ${o("layer",i(e?.layers??2),s.layer)}</label>
          ${s.site==="z"?l`<label>Head ${o("head",i(e?.heads??4),s.head??0)}</label>`:m}
          <label>Put ${o("put",fo,s.put)}</label>
          <label
            >Positions
            <input type="text" inputmode="numeric" size="8" placeholder="all" .value=${this.value("at")} @change=${a=>this.put({at:a.target.value||null})}
          /></label>
          <button type="button" data-act="ablate" @click=${()=>this.#n([...r,this.#t()],"hooked")}>Hook it</button>
          <button type="button" data-act="undo" ?disabled=${!r.length} @click=${()=>this.#n(r.slice(0,-1),"undone")}>Undo</button>
        </span>
        ${r.length?l`<ul class="moves">
              ${r.map((a,c)=>l`<li>
                    <code>${e?.hooks[c]??at(a)}</code>${a.head===null?"":` head ${a.head}`} ← ${a.put}${a.positions?` at ${a.positions.join(", ")}`:""}
                    <button type="button" class="link" aria-label="Take off ${at(a)}" @click=${()=>this.#n(r.filter((u,p)=>p!==c),"undone")}>take off</button>
                  </li>`)}
            </ul>`:l`<p class="quiet">Nothing is hooked: both runs are the clean one.</p>`}
      </li>
      <li><strong>Measure</strong> what changed.</li>
    </ol>`}see(e,r){let{clean:s,edited:o,sequence:i,query:a}=e,[c,u]=[L.from(s.by_position).data,L.from(o.by_position).data],p=Math.max(...c,...u,e.ln_vocabulary),h=(f,y)=>l`<p class="caption">${y}</p>
        <rung-bars
          layout="columns"
          label="Loss of each token, ${y}"
          unit="nats"
          .tokens=${!0}
          .domain=${[0,p]}
          .items=${Array.from(f,(A,w)=>({label:i.texts[w+1],value:A,group:it(i,w+1),key:`pos:${w+1}`}))}
          .rules=${[{at:e.ln_vocabulary,label:"ln V"}]}
          @pick=${A=>this.put({query:A.detail.index})}
        ></rung-bars>`,d=(f,y)=>f.pattern===null?m:l`<div>
            <p class="caption">${R(`head:${e.show}`,e.show)} ${y}</p>
            <rung-heatmap
              label="Attention of ${e.show}, ${y}"
              .grid=${L.from(f.pattern)}
              .rows=${i.texts}
              .cols=${i.texts}
              rowName="query"
              colName="key"
              .causal=${!0}
              .size=${260}
              .guides=${[{kind:"diagonal",offset:1-i.period,label:"after the earlier match",role:"match"}]}
            ></rung-heatmap>
          </div>`,b=Array.from({length:e.layers*e.heads},(f,y)=>`${Math.floor(y/e.heads)}.${y%e.heads}`);return l`<rung-bars
        label="Loss of the second copy"
        unit="nats"
        .items=${[{label:"clean",value:s.second.value,...j(s.second)},{label:"hooked",value:o.second.value,...j(o.second),predicted:r==="now"&&typeof this.prediction=="number"?s.second.value+this.prediction:null}]}
      ></rung-bars>
      <p class="facts">
        Change <strong data-number="change">${D(e.change.value)}</strong> nats over ${e.n} sequences. At position ${R(`pos:${a}`,a)} the target is ${ie(e.target)}: logit
        <strong data-number="logit-before">${$(s.logit)}</strong> → <strong data-number="logit-after">${$(o.logit)}</strong> over the mean, probability
        <strong data-number="p-before">${O(s.probability)}</strong> → <strong data-number="p-after">${O(o.probability)}</strong>; the model says ${ie(o.top)}.
      </p>
      ${h(c,"clean")} ${h(u,"hooked")}
      <p class="quiet">Choose a bar to make the token there the target.</p>
      <label
        >Attention of head
        <select data-key="show" @change=${f=>this.put({show:f.target.value})}>
          ${b.map(f=>l`<option value=${f} ?selected=${f===e.show}>${f}</option>`)}
        </select></label
      >
      <div class="pair">${d(s,"clean")} ${d(o,"hooked")}</div>`}question(e){return e.moves.length?"What changed where you hooked, and what changed later although you did not touch it?":"This is the clean run. Which head would you take away first, and what would show that you were right?"}explain(e){return l`<p>
        <strong>Cache before you hook:</strong> without the clean number there is nothing to compare with, and without its attention you could not see that
        ${R("head:1.0","a later head")} lost its stripe because ${R("head:0.0","an earlier one")} fell silent.
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
      </table>`}python(e){let r={zero:"Zero()",mean:"Mean(others)",resample:"Resample(others, seed=task.seed)",patch:"Patch(unrepeated_tokens(model, task).tokens)"},s=o=>`    Intervention(("${o.site}", ${o.layer}), ${r[o.put]}, ${o.head??"None"}, ${o.positions?`(${o.positions.join(", ")},)`:"None"}),`;return`from rung import HookedTransformer
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
measure(model, task.tokens, moves, next_token_loss(task.predictable)).change.mean()`}cli(e){let r=e.moves.filter(o=>o.site==="z"&&!o.positions),[s]=new Set(e.moves.map(o=>o.put));return!r.length||r.length<e.moves.length||s==="patch"||r.some(o=>o.put!==s)?null:`rung ablate ${e.model} --heads ${r.map(o=>`${o.layer}.${o.head}`).join(",")} --by ${s} --period ${e.length} --sequences ${e.sequences} --seed ${e.seed}`}pin(e,r){if(!r.moves.length)return null;let{change:s}=e,o=r.moves.map(at).join(" + ");return{title:`Loss with ${o}`,rung:3,value:s.value,unit:"nats",n:s.n,...j(s),subject:o}}};customElements.define("rung-s08-edit",hr);var dr=class extends I{constructor(){super(...arguments);this.name="s08-sweep";this.heading="Every head, one at a time";this.computation="measure.sweep";this.live=!1}ask(){return{model:ee(),length:V(),seed:X(),sequences:16,put:this.value("put","mean")}}predict(){return l`<p>Which heads does the prediction need? Write those that you expect on top.</p>
      <label
        >Heads
        <input
          type="text"
          size="12"
          placeholder="1.0, …"
          .value=${(this.prediction??[]).join(", ")}
          @change=${e=>this.setPrediction(e.target.value.match(/\d+\.\d+/g)??[])}
      /></label>`}controls(){return te("Replace by",fo.filter(([e])=>e!=="patch"),this.ask().put,e=>this.put({put:e}))}see(e,r){let s=r==="now"?this.prediction??[]:[];return l`<rung-bars
        label="Change of the second copy's loss without each head"
        unit=${e.unit}
        .signed=${!0}
        .items=${e.heads.map((o,i)=>({label:o,value:e.change[i].value,...j(e.change[i]),key:`head:${o}`,...s.includes(o)?{note:"you named it"}:{}}))}
      ></rung-bars>
      <p class="quiet">Replaced by: ${e.put}. Clean loss ${N(e.clean.value)}, ${e.n} sequences.</p>`}question(e){return`${e.change.filter(s=>s.value>=1).length} of ${e.heads.length} heads cost a nat or more. Are these the heads that carry a signature?`}explain(e){return l`<p>
        Most bars are short. ${R(`head:${e.heads[0]}`,e.heads[0])} costs most. A sweep is a table of single cuts: it finds what the model cannot do without, one piece at a time.
      </p>
      <p><strong>It is blind to cover.</strong> Where two heads can do the same work, each alone looks idle. Go on to the next panel.</p>`}python(e){let r={zero:"Zero()",mean:"Mean(others)",resample:`Resample(others, seed=${e.seed})`};return`from rung import HookedTransformer
from rung.methods.grids import ablate_each_head
from rung.methods.interventions import Mean, Resample, Zero
from rung.tasks.builtin import repeated_tokens
from rung.tasks.metrics import next_token_loss

model = HookedTransformer.from_pretrained("${e.model}")
task = repeated_tokens(model, period=${e.length}, sequences=${e.sequences}, seed=${e.seed})
others = repeated_tokens(model, period=${e.length}, sequences=${e.sequences}, seed=${e.seed+1}).tokens
ablate_each_head(model, task, next_token_loss(task.predictable), ${r[e.put]}).mean_change`}cli(e){return`rung ablate ${e.model} --by ${e.put} --period ${e.length} --sequences ${e.sequences} --seed ${e.seed}`}pin(e){let r=e.change[0];return{test:"support.necessity",title:`Loss without ${e.heads[0]}`,rung:3,value:r.value,unit:"nats",n:r.n,...j(r),subject:e.heads[0]}}};customElements.define("rung-s08-sweep",dr);var ur=["1.0","1.1","1.2","1.3"],cr={zero:"zero",mean:"mean",resample:"resample, 8 donors averaged","one donor":"resample, one donor"},pr=class extends I{constructor(){super(...arguments);this.name="s08-lie";this.heading="Silenced, or lied?";this.computation="measure.lie"}#e(){return this.value("heads","1.0,1.1").split(",").filter(e=>ur.includes(e))}ask(){let e=this.#e();return e.length?{length:V(),seed:X(),heads:e}:"Choose at least one head to take away."}predict(){return l`<p>In <code>two-layer-redundant</code> all four heads of layer 1 do induction. Take two away. Which way hurts most?</p>
      ${te("The way that hurts most",Object.entries(cr),this.prediction,e=>this.setPrediction(e))}`}controls(){let e=this.#e();return l`<div class="choices" role="group" aria-label="Heads taken away together">
      ${ur.map(r=>l`<button
            type="button"
            data-head=${r}
            aria-pressed=${e.includes(r)?"true":"false"}
            @click=${()=>{this.put({heads:ur.filter(s=>e.includes(s)!==(s===r)).join(",")||"none"}),this.act("chose")}}
          >
            ${r}
          </button>`)}
    </div>`}see(e,r){return l`<rung-bars
        label="Change of the second copy's loss, by the way the heads are taken away"
        unit="nats"
        .signed=${!0}
        .items=${e.ways.map(s=>({label:cr[s.put]??s.put,value:s.change.value,...j(s.change),...r==="now"&&this.prediction===s.put?{note:"your choice"}:{}}))}
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
              <th scope="row">${cr[s.put]??s.put}</th>
              <td>${D(s.right.value)}</td>
              <td>${D(s.rival.value)}</td>
              <td data-number="named">${O(s.named.value)}</td>
              <td>${O(s.accuracy)}</td>
            </tr>`)}
        </tbody>
      </table>
      <rung-bars
        label="Mean ablation of each head alone"
        unit="nats, each alone (mean)"
        .signed=${!0}
        .items=${e.alone.map(s=>({label:s.head,value:s.change.value,...j(s.change),key:`head:${s.head}`}))}
      ></rung-bars>`}question(e){let[r,s]=["zero","one donor"].map(o=>e.ways.find(i=>i.put===o).change.value);return`Zero costs ${N(r)}, one donor ${N(s)}. The right token lost the same in both: where does the rest come from?`}explain(e){let r=o=>e.ways.find(i=>i.put===o),s=e.alone.reduce((o,i)=>o+i.change.value,0);return l`<p>
        Zero and mean <strong>silence</strong> a head: the right token loses its push. One donor makes it <strong>lie</strong>: it pushes the donor’s next token with full
        strength, and the model says that token ${O(r("one donor").named.value)} of the time (zero: ${O(r("zero").named.value)}). Averaging the logits of eight donors thins the lie out.
      </p>
      <p>
        So a large number under resampling with few donors need not mean that a head matters more; ask whether right fell or wrong rose. And the ladder counts a role as needed only
        where mean and resample agree.
      </p>
      <p>
        <strong>Cover.</strong> ${e.alone.length>1?l`Alone, these heads cost ${N(s)} in sum; together ${N(r("mean").change.value)}.`:"Alone, this head costs little."} The others
        take over what one leaves. Switch all four off to see what the role, not the head, is worth.
      </p>`}python(e){return`from rung import HookedTransformer
from rung.methods.before_after import before_after
from rung.methods.interventions import Resample, on_head
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("two-layer-redundant")
task = repeated_tokens(model, period=${e.length}, sequences=16, seed=${e.seed})
others = repeated_tokens(model, period=${e.length}, sequences=16, seed=${e.seed+1}).tokens
lie = Resample(others, draws=1, seed=${e.seed})
found = before_after(model, task.tokens, [on_head(head, lie) for head in [${e.heads.map(r=>`(${r.replace(".",", ")})`).join(", ")}]])
(found.edited.rival - found.clean.rival)[:, task.predictable].mean()`}cli(e){return`rung ablate two-layer-redundant --heads ${e.heads.join(",")} --by mean --period ${e.length} --sequences 16 --seed ${e.seed}`}pin(e){let{change:r}=e.ways.find(o=>o.put==="mean"),s=e.heads.join(", ");return{title:`Loss of two-layer-redundant without ${s}`,rung:3,value:r.value,unit:"nats",n:r.n,...j(r),subject:s}}};customElements.define("rung-s08-lie",pr);var mr=class extends S{constructor(){super(...arguments);this.number=8;this.heading="Cache, hook, measure"}body(){return l`<p>
        Looking is not enough: you have to reach in. The loop is short. Keep a clean run; put something else at one
        ${R("s08:hook","hook")}; measure what the model then says.
      </p>
      ${pe("The loop",[{say:l`Run once with nothing hooked: that is your cache.`,until:"s08-edit:ran"},{say:l`Say how much a head is worth, then press <em>Hook it</em>.`,until:"s08-edit:hooked"},{say:l`Undo it. The clean numbers are back.`,until:"s08-edit:undone"},{say:l`Sweep every head.`,until:"s08-sweep:ran"},{say:l`Take several heads of the covering model away at once.`,until:"s08-lie:chose"}])}
      <rung-s08-edit></rung-s08-edit>
      <rung-s08-sweep></rung-s08-sweep>
      <p>Two questions remain. Did you silence the head, or make it lie? And if nothing happened, who took over?</p>
      <rung-s08-lie></rung-s08-lie>`}};customElements.define("rung-section-08",mr);var fr=class extends S{constructor(){super(...arguments);this.number=9;this.heading="Attribution"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-09",fr);var gr=class extends S{constructor(){super(...arguments);this.number=10;this.heading="Route, match, copy"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-10",gr);var br=class extends S{constructor(){super(...arguments);this.number=11;this.heading="Weights"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-11",br);var yr=class extends S{constructor(){super(...arguments);this.number=12;this.heading="The ladder"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-12",yr);var $r=class extends S{constructor(){super(...arguments);this.number=13;this.heading="Five checks"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-13",$r);var wr=class extends S{constructor(){super(...arguments);this.number=14;this.heading="Notebook moves"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-14",wr);var ea=[["#section-2","its hooks and weights, on your text",()=>!0],["#section-3","direct path and attention path",()=>!0],["#section-4","the ledger of its residual stream",t=>t.has_tokenizer],["#section-6","the board: does it predict repeated tokens?",()=>!0],["#section-7","the signatures of its heads",t=>t.n_layers>0],["#section-8","ablating, patching, and a sweep over its heads",t=>t.n_layers>0],["#section-9","attribution, and why a head attends where it does",t=>t.n_layers>0],["#section-11","QK, OV and composition",t=>t.n_layers>0],["#section-12","the full proof",t=>t.n_layers>1]],vr=class extends K{#e=E.get("model","two-layer");#t=null;#n="";#r=null;async#s(){let n=this.#e.trim();if(this.#n=n?"":"Type the name of a model, a folder, or a GGUF file.",this.requestUpdate(),!!n)try{this.#r={step:`Loading ${n}`,done:0,total:0},this.#t=await F("workbench.open",{model:n},{panel:"workbench",onProgress:e=>{this.#r=e,this.requestUpdate()}}),E.set({model:this.#t.model})}catch(e){if(De(e))return;this.#n=e instanceof Error?e.message:String(e)}finally{this.#r=null,this.requestUpdate()}}render(){let n=this.#t;return l`<section aria-labelledby="workbench-heading">
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
      ${this.#n?l`<p class="problem" role="alert">${this.#n}</p>`:m}
      ${n?this.#i(n):m}
    </section>`}#i(n){return l`<h3>${n.name}</h3>
      <div class="wide-table">
        <table>
          <tbody>${n.facts.map(([e,r])=>l`<tr><th scope="row">${e}</th><td>${r}</td></tr>`)}</tbody>
        </table>
      </div>
      ${n.notes.length?l`<ul>${n.notes.map(e=>l`<li>${e}</li>`)}</ul>`:m}
      <p>The page is about ${n.name} now. Go on with:</p>
      <ul>
        ${ea.map(([e,r,s])=>l`<li>${s(n)?l`<a href=${e}>${r}</a>`:l`<span class="quiet">${r}: this model has nothing to show there</span>`}</li>`)}
      </ul>`}};customElements.define("rung-workbench",vr);function ta(t){return t.tests.map(n=>{let e=n.checks.find(s=>s.met===!1)??n.checks.find(s=>s.floor!==null)??n.checks[0],r=Object.values(n.controls)[0];return{id:n.id,title:n.name,subject:n.subject,rung:n.rung,outcome:n.outcome,required:n.required,note:n.said,unit:n.unit,...e?{value:e.value,low:e.low,high:e.high,floor:e.floor,n:e.n}:{},...r===void 0?{}:{control:r}}})}var kr=class extends K{#e=null;#t=null;#n="";#r=new Set;#s=null;connectedCallback(){super.connectedCallback(),this.#s=v.subscribe(()=>this.#i()),this.#i()}disconnectedCallback(){super.disconnectedCallback(),this.#s?.()}#i(){v.proof&&this.#c(JSON.stringify(v.proof))}async#c(n){if(n!==this.#e){this.#e=n;try{this.#t=await F("workbench.record",{text:n},{panel:"record"}),this.#n=""}catch(e){if(De(e))return;this.#n=`${e instanceof Error?e.message:String(e)}${this.#t?" What is shown is the record before.":""}`}this.requestUpdate()}}async#a(n){let e=n.target,r=e.files?.[0];if(r){try{await v.open(await r.text()),this.#n=""}catch(s){this.#n=s instanceof Error?s.message:String(s)}e.value="",this.requestUpdate()}}render(){return l`<section aria-labelledby="record-heading">
      <h2 id="record-heading">Record</h2>
      <p>
        A record is what <code>rung prove</code> writes: the claim, the model’s weights by their hash, every number with its
        interval, floor and control. Open one and read each test behind its verdict. Outcomes are derived here from the
        numbers; a file that contradicts itself is refused, and the place is named.
      </p>
      <p>
        <label class="file">Open a record or a drawer <input type="file" accept=".json,application/json" @change=${n=>{this.#a(n)}} /></label>
      </p>
      ${this.#n?l`<p class="problem" role="alert">${this.#n}</p>`:m}
      ${this.#t?this.#h(this.#t):l`<p class="quiet">No record is open. Section 12 makes one, with its full proof.</p>`}
    </section>`}#h(n){return l`<h3>${n.claim}: ${n.circuit}</h3>
      <ul>
        ${n.roles.map(e=>l`<li><strong>${e.name}</strong> ${e.heads.join(", ")||"no head"}: ${e.job}</li>`)}
      </ul>
      <rung-ladder .measurements=${ta(n)} .verdict=${{rung:n.rung,sentence:n.sentence}} label="Tests of the record"></rung-ladder>
      <h3>Every number</h3>
      <ul class="tests">
        ${n.tests.map(e=>this.#o(e))}
      </ul>
      <h3>Where it comes from</h3>
      <div class="wide-table">
        <table>
          <tbody>
            <tr><th scope="row">Model</th><td>${n.model}</td></tr>
            <tr><th scope="row">Checkpoint, SHA-256</th><td><code class="token">${n.checkpoint}</code></td></tr>
            <tr><th scope="row">Confirmation sequences</th><td>${n.sequences}, looks at ${n.looks.join(", ")}; intervals of ${$(100*(1-2*n.alpha),1)} %</td></tr>
            <tr><th scope="row">Heads</th><td>${n.heads_found}</td></tr>
            <tr><th scope="row">Written</th><td>${n.date}</td></tr>
            <tr><th scope="row">Versions</th><td>${Object.entries(n.versions).map(([e,r])=>`${e} ${r}`).join(", ")}</td></tr>
          </tbody>
        </table>
      </div>
      <p>Execute every test again on the same weights: <code>rung verify FILE</code>.</p>`}#o(n){let e=`${n.id} ${n.subject}`,r=this.#r.has(e);return l`<li>
      <button type="button" class="link" aria-expanded=${r?"true":"false"} @click=${()=>{r?this.#r.delete(e):this.#r.add(e),this.requestUpdate()}}>${n.name} · ${n.subject}</button>
      <span class="quiet">${n.outcome}</span>
      ${r?l`<div class="table-scroll" tabindex="0" role="region" aria-label="${n.name} of ${n.subject}">
            <table>
              <thead><tr><th scope="col">number</th><th scope="col">value</th><th scope="col">interval</th><th scope="col">held against</th><th scope="col">p</th><th scope="col">n</th></tr></thead>
              <tbody>
                ${n.checks.map(s=>l`<tr>
                    <th scope="row">${s.label}</th>
                    <td>${$(s.value??NaN,3)} ${n.unit}</td>
                    <td>[${$(s.low??NaN,3)}, ${$(s.high??NaN,3)}]</td>
                    <td>${s.floor===null?"shown only":`${s.sense} ${$(s.floor,3)}: ${s.met?"met":"not met"}`}</td>
                    <td>${s.p===null?"–":$(s.p,4)}</td>
                    <td>${s.n}</td>
                  </tr>`)}
              </tbody>
            </table>
          </div>`:m}
    </li>`}};customElements.define("rung-record",kr);var xr=[{number:1,title:"What this is",show:()=>l`<rung-section-01></rung-section-01>`},{number:2,title:"Concrete access",show:()=>l`<rung-section-02></rung-section-02>`},{number:3,title:"Direct path, attention path",show:()=>l`<rung-section-03></rung-section-03>`},{number:4,title:"The residual stream",show:()=>l`<rung-section-04></rung-section-04>`},{number:5,title:"Skip-trigrams",show:()=>l`<rung-section-05></rung-section-05>`},{number:6,title:"The board",show:()=>l`<rung-section-06></rung-section-06>`},{number:7,title:"Signatures",show:()=>l`<rung-section-07></rung-section-07>`},{number:8,title:"Cache, hook, measure",show:()=>l`<rung-section-08></rung-section-08>`},{number:9,title:"Attribution",show:()=>l`<rung-section-09></rung-section-09>`},{number:10,title:"Route, match, copy",show:()=>l`<rung-section-10></rung-section-10>`},{number:11,title:"Weights",show:()=>l`<rung-section-11></rung-section-11>`},{number:12,title:"The ladder",show:()=>l`<rung-section-12></rung-section-12>`},{number:13,title:"Five checks",show:()=>l`<rung-section-13></rung-section-13>`},{number:14,title:"Notebook moves",show:()=>l`<rung-section-14></rung-section-14>`}];var na=[["workbench","Workbench"],["record","Record"]],ra=15e3,Mr=class extends H{#e=null;#t="";#n=!1;#r=!1;#s="";createRenderRoot(){return this}connectedCallback(){super.connectedCallback(),ae.start();let n=()=>this.requestUpdate();ae.subscribe(n),U.subscribe(n),v.subscribe(n),E.subscribe(n),this.#i(),window.setInterval(()=>{Wn()},ra),window.addEventListener("focus",()=>{Wn()})}async#i(){try{this.#e=await Dt(),new URLSearchParams(location.search).has("model")||E.set({model:this.#e.model}),await io()}catch(n){this.#t=n instanceof Error?n.message:String(n)}this.requestUpdate(),await this.updateComplete,location.hash&&document.getElementById(location.hash.slice(1))?.scrollIntoView()}render(){return l`<a class="skip" href="#main">To the lesson</a>
      ${this.#c()} ${this.#a()}
      <main id="main" tabindex="-1">
        ${U.status==="ok"?m:l`<p class="problem banner" role="alert">${U.status==="lost"?"The lab does not answer. What you set and pinned is kept in this page.":"The lab was restarted. Open the address that it printed last: what you set is in this page’s address, and your pins are kept."}</p>`}
        ${this.#t?l`<p class="problem" role="alert">${this.#t}</p>`:m}
        ${this.#e?l`${xr.map(n=>n.show())}<rung-workbench id="workbench"></rung-workbench><rung-record id="record"></rung-record>`:l`<p class="loading">Loading the lab …</p>`}
      </main>
      ${this.#l()}`}#c(){let n=this.#e,e=E.get("model",n?.model??"");return l`<header class="top">
      <button type="button" class="menu-button" aria-expanded=${this.#n?"true":"false"} aria-controls="contents" @click=${()=>this.#h()}>Contents</button>
      <p class="brand"><strong>Rung</strong> <span class="quiet">see the circuit, then prove it</span></p>
      <label class="model-choice">
        <span class="quiet">Model</span>
        <select @change=${r=>E.set({model:r.target.value})}>
          ${[...new Set([...n?.models??[],e])].filter(Boolean).map(r=>l`<option value=${r} ?selected=${r===e}>${r}</option>`)}
        </select>
      </label>
      <label class="theme-choice">
        <span class="quiet">Theme</span>
        <select @change=${r=>ae.set(r.target.value)}>
          ${["system","light","dark"].map(r=>l`<option value=${r} ?selected=${r===ae.choice}>${r}</option>`)}
        </select>
      </label>
      <button type="button" class="drawer-button" aria-expanded=${this.#r?"true":"false"} aria-controls="drawer" @click=${()=>this.#o()}>
        Evidence <span class="count">${v.pins.length+(v.proof?1:0)}</span>
      </button>
    </header>`}#a(){let n=(e,r)=>l`<li><a href=${e} @click=${()=>this.#n&&this.#h()}>${r}</a></li>`;return l`<nav id="contents" class=${this.#n?"contents open":"contents"} aria-label="Contents">
      <ol>
        ${xr.map(e=>n(`#section-${e.number}`,l`<span class="number">${e.number}</span> ${e.title}`))}
      </ol>
      <ul>
        ${na.map(([e,r])=>n(`#${e}`,r))}
      </ul>
    </nav>`}#h(){this.#n=!this.#n,this.requestUpdate()}#o(){this.#r=!this.#r,this.requestUpdate()}#l(){let n=this.#r?v.earlier():[];return l`<aside id="drawer" class=${this.#r?"drawer open":"drawer"} aria-label="Evidence drawer" ?inert=${!this.#r}>
      <header>
        <h2>Evidence drawer</h2>
        <button type="button" class="icon" @click=${()=>this.#o()}>Close</button>
      </header>
      ${v.pins.length===0?l`<p class="quiet">Nothing is pinned yet. Pin a result under its figure, and it is kept here with its request.</p>`:l`<ul class="pins">
            ${v.pins.map(e=>l`<li>
                <p><strong>${e.title}</strong> <span class="quiet">${vt[e.rung]}</span></p>
                <p>
                  ${$(e.value)} ${e.unit}${e.low!==void 0&&e.high!==void 0?l` <span class="quiet">[${$(e.low)}, ${$(e.high)}]</span>`:m}${e.control!==void 0?l` <span class="quiet">control ${$(e.control)}</span>`:m}${e.floor!==void 0?l` <span class="quiet">floor ${$(e.floor)}</span>`:m}
                </p>
                <p><a href="#${e.panel}">Where it was seen</a> <button type="button" class="link" aria-label="Remove ${e.title}" @click=${()=>v.remove(e.id)}>Remove</button></p>
              </li>`)}
          </ul>`}
      ${v.proof?l`<p>A proof is kept here: <a href="#record">its record</a>.</p>`:m}
      <p class="drawer-row">
        <button type="button" class="primary" @click=${()=>{this.#u(()=>v.download())}}>Download</button>
        <label class="file">Open a file <input type="file" accept=".json,application/json" @change=${e=>{this.#d(e)}} /></label>
        ${v.pins.length||v.proof?l`<button type="button" class="link" @click=${()=>v.clear()}>Empty it</button>`:m}
      </p>
      <p class="quiet">
        <code>rung lab --open FILE</code> shows a downloaded drawer again; <code>rung verify FILE</code> executes the proof in it again.
      </p>
      ${n.map(e=>l`<p class="quiet">
          ${e.pins.length} pins of an earlier run.
          <button type="button" class="link" @click=${()=>v.bringBack(e.key)}>Bring them back</button>
        </p>`)}
      <p class="status" role="status">${this.#s}</p>
    </aside>`}async#d(n){let e=n.target,r=e.files?.[0];r&&(await this.#u(async()=>v.open(await r.text())),e.value="")}async#u(n){this.#s="";try{await n()}catch(e){this.#s=e instanceof Error?e.message:String(e)}this.requestUpdate()}};customElements.define("rung-lab",Mr);
