var yt=globalThis,vt=yt.ShadowRoot&&(yt.ShadyCSS===void 0||yt.ShadyCSS.nativeShadow)&&"adoptedStyleSheets"in Document.prototype&&"replace"in CSSStyleSheet.prototype,Kr=Symbol(),Fr=new WeakMap,$t=class{constructor(r,e,n){if(this._$cssResult$=!0,n!==Kr)throw Error("CSSResult is not constructable. Use `unsafeCSS` or `css` instead.");this.cssText=r,this.t=e}get styleSheet(){let r=this.o,e=this.t;if(vt&&r===void 0){let n=e!==void 0&&e.length===1;n&&(r=Fr.get(e)),r===void 0&&((this.o=r=new CSSStyleSheet).replaceSync(this.cssText),n&&Fr.set(e,r))}return r}toString(){return this.cssText}},Jr=t=>new $t(typeof t=="string"?t:t+"",void 0,Kr);var Vr=(t,r)=>{if(vt)t.adoptedStyleSheets=r.map(e=>e instanceof CSSStyleSheet?e:e.styleSheet);else for(let e of r){let n=document.createElement("style"),s=yt.litNonce;s!==void 0&&n.setAttribute("nonce",s),n.textContent=e.cssText,t.appendChild(n)}},rn=vt?t=>t:t=>t instanceof CSSStyleSheet?(r=>{let e="";for(let n of r.cssRules)e+=n.cssText;return Jr(e)})(t):t;var{is:Uo,defineProperty:Do,getOwnPropertyDescriptor:Fo,getOwnPropertyNames:Ko,getOwnPropertySymbols:Jo,getPrototypeOf:Vo}=Object,wt=globalThis,Gr=wt.trustedTypes,Go=Gr?Gr.emptyScript:"",Yo=wt.reactiveElementPolyfillSupport,Qe=(t,r)=>t,sn={toAttribute(t,r){switch(r){case Boolean:t=t?Go:null;break;case Object:case Array:t=t==null?t:JSON.stringify(t)}return t},fromAttribute(t,r){let e=t;switch(r){case Boolean:e=t!==null;break;case Number:e=t===null?null:Number(t);break;case Object:case Array:try{e=JSON.parse(t)}catch{e=null}}return e}},Qr=(t,r)=>!Uo(t,r),Yr={attribute:!0,type:String,converter:sn,reflect:!1,useDefault:!1,hasChanged:Qr};Symbol.metadata??=Symbol("metadata"),wt.litPropertyMetadata??=new WeakMap;var de=class extends HTMLElement{static addInitializer(r){this._$Ei(),(this.l??=[]).push(r)}static get observedAttributes(){return this.finalize(),this._$Eh&&[...this._$Eh.keys()]}static createProperty(r,e=Yr){if(e.state&&(e.attribute=!1),this._$Ei(),this.prototype.hasOwnProperty(r)&&((e=Object.create(e)).wrapped=!0),this.elementProperties.set(r,e),!e.noAccessor){let n=Symbol(),s=this.getPropertyDescriptor(r,n,e);s!==void 0&&Do(this.prototype,r,s)}}static getPropertyDescriptor(r,e,n){let{get:s,set:o}=Fo(this.prototype,r)??{get(){return this[e]},set(i){this[e]=i}};return{get:s,set(i){let a=s?.call(this);o?.call(this,i),this.requestUpdate(r,a,n)},configurable:!0,enumerable:!0}}static getPropertyOptions(r){return this.elementProperties.get(r)??Yr}static _$Ei(){if(this.hasOwnProperty(Qe("elementProperties")))return;let r=Vo(this);r.finalize(),r.l!==void 0&&(this.l=[...r.l]),this.elementProperties=new Map(r.elementProperties)}static finalize(){if(this.hasOwnProperty(Qe("finalized")))return;if(this.finalized=!0,this._$Ei(),this.hasOwnProperty(Qe("properties"))){let e=this.properties,n=[...Ko(e),...Jo(e)];for(let s of n)this.createProperty(s,e[s])}let r=this[Symbol.metadata];if(r!==null){let e=litPropertyMetadata.get(r);if(e!==void 0)for(let[n,s]of e)this.elementProperties.set(n,s)}this._$Eh=new Map;for(let[e,n]of this.elementProperties){let s=this._$Eu(e,n);s!==void 0&&this._$Eh.set(s,e)}this.elementStyles=this.finalizeStyles(this.styles)}static finalizeStyles(r){let e=[];if(Array.isArray(r)){let n=new Set(r.flat(1/0).reverse());for(let s of n)e.unshift(rn(s))}else r!==void 0&&e.push(rn(r));return e}static _$Eu(r,e){let n=e.attribute;return n===!1?void 0:typeof n=="string"?n:typeof r=="string"?r.toLowerCase():void 0}constructor(){super(),this._$Ep=void 0,this.isUpdatePending=!1,this.hasUpdated=!1,this._$Em=null,this._$Ev()}_$Ev(){this._$ES=new Promise(r=>this.enableUpdating=r),this._$AL=new Map,this._$E_(),this.requestUpdate(),this.constructor.l?.forEach(r=>r(this))}addController(r){(this._$EO??=new Set).add(r),this.renderRoot!==void 0&&this.isConnected&&r.hostConnected?.()}removeController(r){this._$EO?.delete(r)}_$E_(){let r=new Map,e=this.constructor.elementProperties;for(let n of e.keys())this.hasOwnProperty(n)&&(r.set(n,this[n]),delete this[n]);r.size>0&&(this._$Ep=r)}createRenderRoot(){let r=this.shadowRoot??this.attachShadow(this.constructor.shadowRootOptions);return Vr(r,this.constructor.elementStyles),r}connectedCallback(){this.renderRoot??=this.createRenderRoot(),this.enableUpdating(!0),this._$EO?.forEach(r=>r.hostConnected?.())}enableUpdating(r){}disconnectedCallback(){this._$EO?.forEach(r=>r.hostDisconnected?.())}attributeChangedCallback(r,e,n){this._$AK(r,n)}_$ET(r,e){let n=this.constructor.elementProperties.get(r),s=this.constructor._$Eu(r,n);if(s!==void 0&&n.reflect===!0){let o=(n.converter?.toAttribute!==void 0?n.converter:sn).toAttribute(e,n.type);this._$Em=r,o==null?this.removeAttribute(s):this.setAttribute(s,o),this._$Em=null}}_$AK(r,e){let n=this.constructor,s=n._$Eh.get(r);if(s!==void 0&&this._$Em!==s){let o=n.getPropertyOptions(s),i=typeof o.converter=="function"?{fromAttribute:o.converter}:o.converter?.fromAttribute!==void 0?o.converter:sn;this._$Em=s;let a=i.fromAttribute(e,o.type);this[s]=a??this._$Ej?.get(s)??a,this._$Em=null}}requestUpdate(r,e,n,s=!1,o){if(r!==void 0){let i=this.constructor;if(s===!1&&(o=this[r]),n??=i.getPropertyOptions(r),!((n.hasChanged??Qr)(o,e)||n.useDefault&&n.reflect&&o===this._$Ej?.get(r)&&!this.hasAttribute(i._$Eu(r,n))))return;this.C(r,e,n)}this.isUpdatePending===!1&&(this._$ES=this._$EP())}C(r,e,{useDefault:n,reflect:s,wrapped:o},i){n&&!(this._$Ej??=new Map).has(r)&&(this._$Ej.set(r,i??e??this[r]),o!==!0||i!==void 0)||(this._$AL.has(r)||(this.hasUpdated||n||(e=void 0),this._$AL.set(r,e)),s===!0&&this._$Em!==r&&(this._$Eq??=new Set).add(r))}async _$EP(){this.isUpdatePending=!0;try{await this._$ES}catch(e){Promise.reject(e)}let r=this.scheduleUpdate();return r!=null&&await r,!this.isUpdatePending}scheduleUpdate(){return this.performUpdate()}performUpdate(){if(!this.isUpdatePending)return;if(!this.hasUpdated){if(this.renderRoot??=this.createRenderRoot(),this._$Ep){for(let[s,o]of this._$Ep)this[s]=o;this._$Ep=void 0}let n=this.constructor.elementProperties;if(n.size>0)for(let[s,o]of n){let{wrapped:i}=o,a=this[s];i!==!0||this._$AL.has(s)||a===void 0||this.C(s,void 0,o,a)}}let r=!1,e=this._$AL;try{r=this.shouldUpdate(e),r?(this.willUpdate(e),this._$EO?.forEach(n=>n.hostUpdate?.()),this.update(e)):this._$EM()}catch(n){throw r=!1,this._$EM(),n}r&&this._$AE(e)}willUpdate(r){}_$AE(r){this._$EO?.forEach(e=>e.hostUpdated?.()),this.hasUpdated||(this.hasUpdated=!0,this.firstUpdated(r)),this.updated(r)}_$EM(){this._$AL=new Map,this.isUpdatePending=!1}get updateComplete(){return this.getUpdateComplete()}getUpdateComplete(){return this._$ES}shouldUpdate(r){return!0}update(r){this._$Eq&&=this._$Eq.forEach(e=>this._$ET(e,this[e])),this._$EM()}updated(r){}firstUpdated(r){}};de.elementStyles=[],de.shadowRootOptions={mode:"open"},de[Qe("elementProperties")]=new Map,de[Qe("finalized")]=new Map,Yo?.({ReactiveElement:de}),(wt.reactiveElementVersions??=[]).push("2.1.2");var dn=globalThis,Xr=t=>t,kt=dn.trustedTypes,Zr=kt?kt.createPolicy("lit-html",{createHTML:t=>t}):void 0,os="$lit$",ve=`lit$${Math.random().toFixed(9).slice(2)}$`,is="?"+ve,Qo=`<${is}>`,Me=document,Ze=()=>Me.createComment(""),et=t=>t===null||typeof t!="object"&&typeof t!="function",pn=Array.isArray,Xo=t=>pn(t)||typeof t?.[Symbol.iterator]=="function",on=`[ 	
\f\r]`,Xe=/<(?:(!--|\/[^a-zA-Z])|(\/?[a-zA-Z][^>\s]*)|(\/?$))/g,es=/-->/g,ts=/>/g,Ae=RegExp(`>|${on}(?:([^\\s"'>=/]+)(${on}*=${on}*(?:[^ 	
\f\r"'\`<>=]|("|')|))|$)`,"g"),ns=/'/g,rs=/"/g,as=/^(?:script|style|textarea|title)$/i,mn=t=>(r,...e)=>({_$litType$:t,strings:r,values:e}),l=mn(1),O=mn(2),za=mn(3),_e=Symbol.for("lit-noChange"),m=Symbol.for("lit-nothing"),ss=new WeakMap,Te=Me.createTreeWalker(Me,129);function ls(t,r){if(!pn(t)||!t.hasOwnProperty("raw"))throw Error("invalid template strings array");return Zr!==void 0?Zr.createHTML(r):r}var Zo=(t,r)=>{let e=t.length-1,n=[],s,o=r===2?"<svg>":r===3?"<math>":"",i=Xe;for(let a=0;a<e;a++){let c=t[a],u,d,h=-1,p=0;for(;p<c.length&&(i.lastIndex=p,d=i.exec(c),d!==null);)p=i.lastIndex,i===Xe?d[1]==="!--"?i=es:d[1]!==void 0?i=ts:d[2]!==void 0?(as.test(d[2])&&(s=RegExp("</"+d[2],"g")),i=Ae):d[3]!==void 0&&(i=Ae):i===Ae?d[0]===">"?(i=s??Xe,h=-1):d[1]===void 0?h=-2:(h=i.lastIndex-d[2].length,u=d[1],i=d[3]===void 0?Ae:d[3]==='"'?rs:ns):i===rs||i===ns?i=Ae:i===es||i===ts?i=Xe:(i=Ae,s=void 0);let y=i===Ae&&t[a+1].startsWith("/>")?" ":"";o+=i===Xe?c+Qo:h>=0?(n.push(u),c.slice(0,h)+os+c.slice(h)+ve+y):c+ve+(h===-2?a:y)}return[ls(t,o+(t[e]||"<?>")+(r===2?"</svg>":r===3?"</math>":"")),n]},tt=class t{constructor({strings:r,_$litType$:e},n){let s;this.parts=[];let o=0,i=0,a=r.length-1,c=this.parts,[u,d]=Zo(r,e);if(this.el=t.createElement(u,n),Te.currentNode=this.el.content,e===2||e===3){let h=this.el.content.firstChild;h.replaceWith(...h.childNodes)}for(;(s=Te.nextNode())!==null&&c.length<a;){if(s.nodeType===1){if(s.hasAttributes())for(let h of s.getAttributeNames())if(h.endsWith(os)){let p=d[i++],y=s.getAttribute(h).split(ve),f=/([.?@])?(.*)/.exec(p);c.push({type:1,index:o,name:f[2],strings:y,ctor:f[1]==="."?ln:f[1]==="?"?un:f[1]==="@"?cn:He}),s.removeAttribute(h)}else h.startsWith(ve)&&(c.push({type:6,index:o}),s.removeAttribute(h));if(as.test(s.tagName)){let h=s.textContent.split(ve),p=h.length-1;if(p>0){s.textContent=kt?kt.emptyScript:"";for(let y=0;y<p;y++)s.append(h[y],Ze()),Te.nextNode(),c.push({type:2,index:++o});s.append(h[p],Ze())}}}else if(s.nodeType===8)if(s.data===is)c.push({type:2,index:o});else{let h=-1;for(;(h=s.data.indexOf(ve,h+1))!==-1;)c.push({type:7,index:o}),h+=ve.length-1}o++}}static createElement(r,e){let n=Me.createElement("template");return n.innerHTML=r,n}};function Oe(t,r,e=t,n){if(r===_e)return r;let s=n!==void 0?e._$Co?.[n]:e._$Cl,o=et(r)?void 0:r._$litDirective$;return s?.constructor!==o&&(s?._$AO?.(!1),o===void 0?s=void 0:(s=new o(t),s._$AT(t,e,n)),n!==void 0?(e._$Co??=[])[n]=s:e._$Cl=s),s!==void 0&&(r=Oe(t,s._$AS(t,r.values),s,n)),r}var an=class{constructor(r,e){this._$AV=[],this._$AN=void 0,this._$AD=r,this._$AM=e}get parentNode(){return this._$AM.parentNode}get _$AU(){return this._$AM._$AU}u(r){let{el:{content:e},parts:n}=this._$AD,s=(r?.creationScope??Me).importNode(e,!0);Te.currentNode=s;let o=Te.nextNode(),i=0,a=0,c=n[0];for(;c!==void 0;){if(i===c.index){let u;c.type===2?u=new nt(o,o.nextSibling,this,r):c.type===1?u=new c.ctor(o,c.name,c.strings,this,r):c.type===6&&(u=new hn(o,this,r)),this._$AV.push(u),c=n[++a]}i!==c?.index&&(o=Te.nextNode(),i++)}return Te.currentNode=Me,s}p(r){let e=0;for(let n of this._$AV)n!==void 0&&(n.strings!==void 0?(n._$AI(r,n,e),e+=n.strings.length-2):n._$AI(r[e])),e++}},nt=class t{get _$AU(){return this._$AM?._$AU??this._$Cv}constructor(r,e,n,s){this.type=2,this._$AH=m,this._$AN=void 0,this._$AA=r,this._$AB=e,this._$AM=n,this.options=s,this._$Cv=s?.isConnected??!0}get parentNode(){let r=this._$AA.parentNode,e=this._$AM;return e!==void 0&&r?.nodeType===11&&(r=e.parentNode),r}get startNode(){return this._$AA}get endNode(){return this._$AB}_$AI(r,e=this){r=Oe(this,r,e),et(r)?r===m||r==null||r===""?(this._$AH!==m&&this._$AR(),this._$AH=m):r!==this._$AH&&r!==_e&&this._(r):r._$litType$!==void 0?this.$(r):r.nodeType!==void 0?this.T(r):Xo(r)?this.k(r):this._(r)}O(r){return this._$AA.parentNode.insertBefore(r,this._$AB)}T(r){this._$AH!==r&&(this._$AR(),this._$AH=this.O(r))}_(r){this._$AH!==m&&et(this._$AH)?this._$AA.nextSibling.data=r:this.T(Me.createTextNode(r)),this._$AH=r}$(r){let{values:e,_$litType$:n}=r,s=typeof n=="number"?this._$AC(r):(n.el===void 0&&(n.el=tt.createElement(ls(n.h,n.h[0]),this.options)),n);if(this._$AH?._$AD===s)this._$AH.p(e);else{let o=new an(s,this),i=o.u(this.options);o.p(e),this.T(i),this._$AH=o}}_$AC(r){let e=ss.get(r.strings);return e===void 0&&ss.set(r.strings,e=new tt(r)),e}k(r){pn(this._$AH)||(this._$AH=[],this._$AR());let e=this._$AH,n,s=0;for(let o of r)s===e.length?e.push(n=new t(this.O(Ze()),this.O(Ze()),this,this.options)):n=e[s],n._$AI(o),s++;s<e.length&&(this._$AR(n&&n._$AB.nextSibling,s),e.length=s)}_$AR(r=this._$AA.nextSibling,e){for(this._$AP?.(!1,!0,e);r!==this._$AB;){let n=Xr(r).nextSibling;Xr(r).remove(),r=n}}setConnected(r){this._$AM===void 0&&(this._$Cv=r,this._$AP?.(r))}},He=class{get tagName(){return this.element.tagName}get _$AU(){return this._$AM._$AU}constructor(r,e,n,s,o){this.type=1,this._$AH=m,this._$AN=void 0,this.element=r,this.name=e,this._$AM=s,this.options=o,n.length>2||n[0]!==""||n[1]!==""?(this._$AH=Array(n.length-1).fill(new String),this.strings=n):this._$AH=m}_$AI(r,e=this,n,s){let o=this.strings,i=!1;if(o===void 0)r=Oe(this,r,e,0),i=!et(r)||r!==this._$AH&&r!==_e,i&&(this._$AH=r);else{let a=r,c,u;for(r=o[0],c=0;c<o.length-1;c++)u=Oe(this,a[n+c],e,c),u===_e&&(u=this._$AH[c]),i||=!et(u)||u!==this._$AH[c],u===m?r=m:r!==m&&(r+=(u??"")+o[c+1]),this._$AH[c]=u}i&&!s&&this.j(r)}j(r){r===m?this.element.removeAttribute(this.name):this.element.setAttribute(this.name,r??"")}},ln=class extends He{constructor(){super(...arguments),this.type=3}j(r){this.element[this.name]=r===m?void 0:r}},un=class extends He{constructor(){super(...arguments),this.type=4}j(r){this.element.toggleAttribute(this.name,!!r&&r!==m)}},cn=class extends He{constructor(r,e,n,s,o){super(r,e,n,s,o),this.type=5}_$AI(r,e=this){if((r=Oe(this,r,e,0)??m)===_e)return;let n=this._$AH,s=r===m&&n!==m||r.capture!==n.capture||r.once!==n.once||r.passive!==n.passive,o=r!==m&&(n===m||s);s&&this.element.removeEventListener(this.name,this,n),o&&this.element.addEventListener(this.name,this,r),this._$AH=r}handleEvent(r){typeof this._$AH=="function"?this._$AH.call(this.options?.host??this.element,r):this._$AH.handleEvent(r)}},hn=class{constructor(r,e,n){this.element=r,this.type=6,this._$AN=void 0,this._$AM=e,this.options=n}get _$AU(){return this._$AM._$AU}_$AI(r){Oe(this,r)}};var ei=dn.litHtmlPolyfillSupport;ei?.(tt,nt),(dn.litHtmlVersions??=[]).push("3.3.3");var us=(t,r,e)=>{let n=e?.renderBefore??r,s=n._$litPart$;if(s===void 0){let o=e?.renderBefore??null;n._$litPart$=s=new nt(r.insertBefore(Ze(),o),o,void 0,e??{})}return s._$AI(t),s};var fn=globalThis,F=class extends de{constructor(){super(...arguments),this.renderOptions={host:this},this._$Do=void 0}createRenderRoot(){let r=super.createRenderRoot();return this.renderOptions.renderBefore??=r.firstChild,r}update(r){let e=this.render();this.hasUpdated||(this.renderOptions.isConnected=this.isConnected),super.update(r),this._$Do=us(e,this.renderRoot,this.renderOptions)}connectedCallback(){super.connectedCallback(),this._$Do?.setConnected(!0)}disconnectedCallback(){super.disconnectedCallback(),this._$Do?.setConnected(!1)}render(){return _e}};F._$litElement$=!0,F.finalized=!0,fn.litElementHydrateSupport?.({LitElement:F});var ti=fn.litElementPolyfillSupport;ti?.({LitElement:F});(fn.litElementVersions??=[]).push("4.2.2");var ni=[[0,34,78],[18,53,112],[59,73,108],[87,93,109],[112,113,115],[138,134,120],[165,156,116],[195,179,105],[225,204,85],[254,232,56]],ri=[[45,0,75],[84,39,136],[128,115,172],[178,171,210],[216,218,235],[247,247,247],[254,224,182],[253,184,99],[224,130,20],[179,88,6],[127,59,8]];function cs(t,r){let e=Math.min(Math.max(Number.isNaN(r)?0:r,0),1)*(t.length-1),n=Math.min(Math.floor(e),t.length-2),[s,o,i]=[t[n],t[n+1],e-n];return[0,1,2].map(a=>Math.round(s[a]+i*(o[a]-s[a])))}var xt=t=>cs(ni,t),hs=t=>cs(ri,(t+1)/2);var pe=(t,r=0)=>t==="route"||t==="match"||t==="copy"?`var(--${t})`:`var(--series-${r%6})`,gn=(t,r)=>l`<span class="role ${t}">${r}</span>`,Q=(t="route")=>gn("route",t),V=(t="match")=>gn("match",t),se=(t="copy")=>gn("copy",t);var bn=new Set,yn=null,ds=()=>{for(let t of[...bn])t()},A={current:null,set(t){yn=t,A.current!==t&&(A.current=t,ds())},peek(t){let r=t??yn;A.current!==r&&(A.current=r,ds())},subscribe(t){return bn.add(t),()=>bn.delete(t)}},oe=class extends F{constructor(){super(...arguments);this.leave=null}createRenderRoot(){return this}connectedCallback(){super.connectedCallback(),this.leave=A.subscribe(()=>this.requestUpdate())}disconnectedCallback(){super.disconnectedCallback(),this.leave?.()}},si={"role:route":"route","role:previous_token":"route","role:match":"match","role:induction":"match","role:copy":"copy"},$n=class extends oe{constructor(){super(...arguments);this.key="";this.text=""}static{this.properties={key:{},text:{}}}render(){let e=A.current===this.key;return l`<button
      type="button"
      class="word ${si[this.key]??""}"
      aria-pressed=${e?"true":"false"}
      @click=${()=>A.set(e&&yn===this.key?null:this.key)}
      @pointerenter=${()=>A.peek(this.key)}
      @pointerleave=${()=>A.peek(null)}
    >${this.text}</button>`}};customElements.define("rung-word",$n);var x=(t,r)=>l`<rung-word .key=${t} .text=${r}></rung-word>`;var ps="−",vn=t=>/^-0(\.0*)?$/.test(t)?t.slice(1):t.replace("-",ps);function g(t,r=2){if(Number.isNaN(t))return"–";if(!Number.isFinite(t))return t>0?"∞":`${ps}∞`;let e=Math.abs(t);return e!==0&&(e<.5*10**-r||e>=1e6)?vn(t.toExponential(1).replace("e+","e")):vn(t.toFixed(r))}function M(t,r=0){return Number.isNaN(t)?"–":t!==1&&t>=.99&&t<1.005?`${Math.min(100*t,99.9).toFixed(1)} %`:`${vn((100*t).toFixed(r))} %`}var R=(t,r=2)=>t>0?`+${g(t,r)}`:g(t,r),P=(t,r=2)=>`${g(t,r)} nats`,le=(t,r,e=2)=>`[${g(t,e)}, ${g(r,e)}]`;function U(t){let r=t.replace(/ /g,"·").replace(/\n/g,"⏎").replace(/\t/g,"⇥").replace(/\r/g,"␍").replace(/[\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,e=>`\\u${e.charCodeAt(0).toString(16).padStart(4,"0")}`);return r===""?"∅":r}var me=t=>l`<code class="token">${U(t)}</code>`;var wn="rung-theme",At=new Set,ms=()=>matchMedia("(prefers-color-scheme: dark)"),fe={get choice(){let t=document.documentElement.dataset.theme;return t==="light"||t==="dark"?t:"system"},get dark(){return fe.choice==="system"?ms().matches:fe.choice==="dark"},set(t){t==="system"?delete document.documentElement.dataset.theme:document.documentElement.dataset.theme=t;try{t==="system"?localStorage.removeItem(wn):localStorage.setItem(wn,t)}catch{}for(let r of[...At])r()},start(){try{let t=localStorage.getItem(wn);(t==="light"||t==="dark")&&(document.documentElement.dataset.theme=t)}catch{}ms().addEventListener("change",()=>{for(let t of[...At])t()})},subscribe(t){return At.add(t),()=>At.delete(t)}};var K=class extends oe{constructor(){super(...arguments);this.width=0;this.#e=null;this.#t=null}#e;#t;connectedCallback(){super.connectedCallback(),this.#t=fe.subscribe(()=>this.requestUpdate()),this.#e=new ResizeObserver(e=>{let n=Math.floor(e[0].contentRect.width);n!==this.width&&(this.width=n,requestAnimationFrame(()=>this.requestUpdate()))}),this.#e.observe(this),this.width=Math.floor(this.getBoundingClientRect().width)}disconnectedCallback(){super.disconnectedCallback(),this.#e?.disconnect(),this.#t?.()}};function we(t,r,e,n,s){return l`<button type="button" class="link table-button" aria-expanded=${t?"true":"false"} @click=${r}>
      ${t?"Hide table":"Table"}
    </button>
    ${t?l`<div class="table-scroll" tabindex="0" role="region" aria-label="Table: ${e}">
          <table>
            <caption class="sr">${e}</caption>
            <thead><tr>${n.map(o=>l`<th scope="col">${o}</th>`)}</tr></thead>
            <tbody>
              ${s().map(o=>l`<tr>${o.map((i,a)=>a===0?l`<th scope="row">${i}</th>`:l`<td>${i}</td>`)}</tr>`)}
            </tbody>
          </table>
        </div>`:m}`}var kn=class extends K{constructor(){super(...arguments);this.items=[];this.unit="";this.label="";this.signed=!1;this.domain=null;this.rules=[];this.layout="rows";this.digits=2;this.tokens=!1;this.at=0;this.table=!1;this.keys=e=>{if(e.ctrlKey||e.metaKey||e.altKey)return;let n=this.items.length-1;if(e.key==="ArrowLeft")this.move(this.at-1);else if(e.key==="ArrowRight")this.move(this.at+1);else if(e.key==="Home")this.move(0);else if(e.key==="End")this.move(n);else if(e.key==="m")this.move(this.items.reduce((s,o,i)=>o.value>this.items[s].value?i:s,0));else if(e.key==="t")this.table=!this.table;else if(e.key==="Enter"||e.key===" ")this.choose(this.items[this.at],this.at);else return;e.preventDefault()}}static{this.properties={items:{attribute:!1},unit:{},label:{},signed:{type:Boolean},domain:{attribute:!1},rules:{attribute:!1},layout:{},digits:{type:Number},tokens:{type:Boolean},at:{state:!0},table:{state:!0}}}ends(){if(this.domain)return this.domain;let e=this.items.flatMap(o=>[o.value,o.low,o.high,o.predicted].filter(i=>typeof i=="number"&&Number.isFinite(i)));e.push(...this.rules.map(o=>o.at));let n=Math.max(0,...e),s=Math.min(0,...e);return s===n?[0,1]:[s,n]}text(e){return this.tokens?U(e):e}value(e){return this.signed?R(e.value,this.digits):g(e.value,this.digits)}groups(){return[...new Set(this.items.map(e=>e.group).filter(e=>e!==void 0))]}ink(e){return e.role?pe(e.role):e.group!==void 0?pe(void 0,this.groups().indexOf(e.group)):"var(--bar)"}choose(e,n){e.key&&A.set(A.current===e.key?null:e.key),this.dispatchEvent(new CustomEvent("pick",{detail:{index:n},bubbles:!0}))}render(){return this.layout==="columns"?this.columns():this.rowsOf()}legend(){let e=this.groups(),n=this.items.some(o=>typeof o.predicted=="number"),s=this.items.some(o=>o.low!==void 0);return!e.length&&!n&&!s&&!this.rules.length?m:l`<ul class="legend">
      ${e.map((o,i)=>{let a=this.items.find(c=>c.group===o);return l`<li><svg class="swatch" viewBox="0 0 12 12" aria-hidden="true"><rect width="12" height="12" rx="2" fill=${a.role?pe(a.role):pe(void 0,i)}></rect></svg>${o}</li>`})}
      ${n?l`<li><svg class="swatch" viewBox="0 0 12 12" aria-hidden="true"><path d="M6 1L11 6L6 11L1 6Z" class="guess"></path></svg>your prediction</li>`:m}
      ${s?l`<li><svg class="swatch wide" viewBox="0 0 20 12" aria-hidden="true"><path d="M2 6H18M2 2V10M18 2V10" class="whisker"></path></svg>interval</li>`:m}
      ${this.rules.map(o=>l`<li><svg class="swatch wide" viewBox="0 0 20 12" aria-hidden="true"><path d="M0 6H20" class="rule"></path></svg>${o.label} (${g(o.at,this.digits)})</li>`)}
    </ul>`}rowsOf(){let[e,n]=this.ends(),s=n-e||1,o=i=>1e3*(Math.min(Math.max(i,e),n)-e)/s;return l`<table class="bars">
        <caption class="sr">${this.label}${this.unit?`, in ${this.unit}`:""}</caption>
        <thead class="sr"><tr><th scope="col">name</th><th scope="col">bar</th><th scope="col">${this.unit||"value"}</th></tr></thead>
        <tbody>
          ${this.items.map((i,a)=>{let c=i.key!==void 0&&A.current===i.key,[u,d]=[o(Math.min(0,i.value)),o(Math.max(0,i.value))],h=typeof i.predicted=="number"?i.predicted:null;return l`<tr class=${c?"lit":""} @pointerenter=${()=>i.key&&A.peek(i.key)} @pointerleave=${()=>i.key&&A.peek(null)}>
              <th scope="row">
                ${i.key?l`<button type="button" class="word" aria-pressed=${c?"true":"false"} @click=${()=>this.choose(i,a)}>${this.text(i.label)}</button>`:this.text(i.label)}
                ${i.role?l`<span class="role-tag ${i.role}">${i.role}</span>`:m}
              </th>
              <td class="track">
                <svg viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true">
                  ${this.rules.map(p=>O`<line x1=${o(p.at)} x2=${o(p.at)} y1="0" y2="20" class="rule" vector-effect="non-scaling-stroke"></line>`)}
                  <rect x=${u} y="4" width=${Math.max(d-u,0)} height="12" fill=${this.ink(i)}></rect>
                  <line x1=${o(0)} x2=${o(0)} y1="0" y2="20" class="zero" vector-effect="non-scaling-stroke"></line>
                  ${i.low!==void 0&&i.high!==void 0?O`<path d="M${o(i.low)} 10H${o(i.high)}M${o(i.low)} 5V15M${o(i.high)} 5V15" class="whisker" vector-effect="non-scaling-stroke"></path>`:m}
                </svg>
                ${h===null?m:l`<svg class="guess-at" x="0" viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true"><line x1=${o(h)} x2=${o(h)} y1="1" y2="19" class="guess" vector-effect="non-scaling-stroke"></line></svg>`}
              </td>
              <td class="value">
                ${this.value(i)}${i.low!==void 0&&i.high!==void 0?l` <span class="quiet">${le(i.low,i.high,this.digits)}</span>`:m}
                ${h===null?m:l`<span class="quiet guess-text">you: ${g(h,this.digits)}</span>`}
                ${i.note?l`<span class="quiet">${i.note}</span>`:m}
              </td>
            </tr>`})}
        </tbody>
      </table>
      ${this.unit?l`<p class="unit quiet">${this.unit}</p>`:m} ${this.legend()}`}columns(){let[e,n]=this.ends(),s=this.width||600,o=180,i=40,c=Math.max(s-i-4,40)/Math.max(this.items.length,1),u=h=>8+(o-16)*(n-Math.min(Math.max(h,e),n))/(n-e||1),d=this.items[Math.min(this.at,this.items.length-1)];return l`<div class="columns" tabindex="0" role="application" aria-roledescription="bar chart"
        aria-label="${this.label}. Arrow keys move, m goes to the largest, t shows the table." @keydown=${this.keys}>
        <svg width=${s} height=${o} aria-hidden="true">
          ${[e,n].map(h=>O`<text x=${i-6} y=${u(h)+(h===n?8:0)} class="tick" text-anchor="end">${g(h,1)}</text>`)}
          <line x1=${i} x2=${s} y1=${u(0)} y2=${u(0)} class="zero"></line>
          ${this.items.map((h,p)=>{let y=i+p*c,[f,b]=[u(Math.max(h.value,0)),u(Math.min(h.value,0))],_=h.key!==void 0&&A.current===h.key;return O`<g class="column ${_?"lit":""} ${p===this.at?"here":""}" @pointerenter=${()=>this.move(p)} @click=${()=>this.choose(h,p)}>
              <rect x=${y} y="0" width=${c} height=${o} class="hit"></rect>
              <rect x=${y+c*.1} y=${f} width=${c*.8} height=${Math.max(b-f,.5)} fill=${this.ink(h)}></rect>
              ${h.low!==void 0&&h.high!==void 0?O`<path d="M${y+c/2} ${u(h.low)}V${u(h.high)}" class="whisker"></path>`:m}
              ${typeof h.predicted=="number"?O`<path d="M${y} ${u(h.predicted)}h${c}" class="guess"></path>`:m}
            </g>`})}
          ${this.rules.map(h=>O`<line x1=${i} x2=${s} y1=${u(h.at)} y2=${u(h.at)} class="rule"></line><text x=${s-4} y=${u(h.at)-4} class="tick halo" text-anchor="end">${h.label} ${g(h.at,this.digits)}</text>`)}
        </svg>
      </div>
      <p class="readout" aria-live="polite">${d?`${this.at} ${this.text(d.label)}: ${this.value(d)} ${this.unit}${typeof d.predicted=="number"?`, you ${g(d.predicted,this.digits)}`:""}`:""}</p>
      ${this.legend()}
      ${we(this.table,()=>this.table=!this.table,this.label,["","name",this.unit||"value",...this.items.some(h=>typeof h.predicted=="number")?["predicted"]:[]],()=>this.items.map((h,p)=>[String(p),this.text(h.label),this.value(h),...typeof h.predicted=="number"?[g(h.predicted,this.digits)]:[]]))}`}move(e){this.at=Math.min(Math.max(e,0),this.items.length-1);let n=this.items[this.at]?.key;n&&A.peek(n)}};customElements.define("rung-bars",kn);var[fs,Re,xn]=[56,52,40],An=class extends K{constructor(){super(...arguments);this.nodes=[];this.edges=[];this.label="Diagram";this.table=!1}static{this.properties={nodes:{attribute:!1},edges:{attribute:!1},label:{},table:{state:!0}}}columns(){let e=new Map;for(let n of this.nodes)e.set(n.id,n.column??0);for(let n=0;n<this.nodes.length;n++)for(let s of this.edges){let o=this.nodes.find(i=>i.id===s.to);!o||o.column!==void 0||e.set(s.to,Math.max(e.get(s.to)??0,Math.min((e.get(s.from)??0)+1,this.nodes.length)))}return e}render(){let e=this.columns(),n=Math.max(1,...[...e.values()].map(p=>p+1)),s=Math.max(this.width||640,260),o=(s-(n-1)*fs)/n<92,i=Array.from({length:n},()=>[]);for(let p of this.nodes)i[e.get(p.id)].push(p);for(let p of i)p.sort((y,f)=>(y.row??0)-(f.row??0));let a=Math.max(1,...i.map(p=>p.length)),c=o?10:fs,u=o?Math.min(180,(s-(a-1)*c)/a):Math.min(190,(s-(n-1)*c)/n),d=(o?n:a)*(Re+xn)-xn+24,h=new Map;return i.forEach((p,y)=>p.forEach((f,b)=>{let _=f.row??b+(a-p.length)/2,w=o?(s-p.length*(u+c)+c)/2+b*(u+c):n===1?(s-u)/2:y*(s-u)/(n-1);h.set(f.id,{...f,x:w,y:12+(o?y:_)*(Re+xn)})})),l`<figure class="flow">
      <svg width=${s} height=${d} role="img" aria-label=${this.label}>
        <defs>
          ${["ink","route","match","copy"].map(p=>O`<marker id="tip-${p}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8Z" fill="var(--${p})"></path></marker>`)}
        </defs>
        ${this.edges.map(p=>this.edge(p,h,u,o))} ${[...h.values()].map(p=>this.node(p,u))}
      </svg>
      ${we(this.table,()=>this.table=!this.table,this.label,["from","to","what","value"],()=>[...this.nodes.filter(p=>p.value!==void 0).map(p=>[p.label,"",p.role??"",p.value]),...this.edges.map(p=>[h.get(p.from)?.label??p.from,h.get(p.to)?.label??p.to,`${p.label??""}${p.broken?" (broken)":""}`,p.value??""])])}
    </figure>`}edge(e,n,s,o){let[i,a]=[n.get(e.from),n.get(e.to)];if(!i||!a)return m;let[c,u]=o?[i.x+s/2,i.y+Re]:[i.x+s,i.y+Re/2],[d,h]=o?[a.x+s/2,a.y-2]:[a.x-2,a.y+Re/2],p=o?`M${c} ${u}C${c} ${u+20} ${d} ${h-20} ${d} ${h}`:`M${c} ${u}C${c+28} ${u} ${d-28} ${h} ${d} ${h}`,y=e.role==="route"||e.role==="match"||e.role==="copy"?e.role:"ink",f=e.key!==void 0&&A.current===e.key,b=[e.label,e.value].filter(Boolean).join(" ");return O`<g class="edge ${e.broken?"broken":""} ${f?"lit":""}">
      <path d=${p} fill="none" stroke="var(--${y})" stroke-width=${1.5+3*(e.weight??0)} stroke-dasharray=${e.broken?"3 5":"none"} marker-end="url(#tip-${y})"></path>
      ${e.broken?O`<path d="M${(c+d)/2-6} ${(u+h)/2-6}l12 12m0 -12l-12 12" class="cross"></path>`:m}
      ${b?O`<text x=${(c+d)/2+(o?8:0)} y=${(u+h)/2-(o?-4:8)} text-anchor=${o?"start":"middle"} class="edge-text halo">${b}</text>`:m}
    </g>`}node(e,n){let s=e.key!==void 0&&A.current===e.key,o=e.role==="route"||e.role==="match"||e.role==="copy"?e.role:"",i=Math.min(Math.max(e.fill??0,0),1);return O`<g class="node ${o} ${s?"lit":""} ${e.key?"press":""}" @click=${()=>e.key&&A.set(s?null:e.key)}
        @pointerenter=${()=>e.key&&A.peek(e.key)} @pointerleave=${()=>e.key&&A.peek(null)}>
      <rect x=${e.x} y=${e.y} width=${n} height=${Re} rx="8" class="box"></rect>
      ${i>0?O`<rect x=${e.x} y=${e.y+Re-5} width=${n*i} height="5" rx="2" class="level"></rect>`:m}
      <text x=${e.x+n/2} y=${e.y+(e.value===void 0?31:22)} text-anchor="middle" class="node-label">${e.label}</text>
      ${e.value===void 0?m:O`<text x=${e.x+n/2} y=${e.y+40} text-anchor="middle" class="node-value">${e.value}</text>`}
    </g>`}};customElements.define("rung-flow",An);var rt=64,Tn=class extends K{constructor(){super(...arguments);this.grid=null;this.rows=[];this.cols=[];this.scale="unit";this.guides=[];this.marks=[];this.label="";this.rowName="row";this.colName="column";this.domain=null;this.focusKey=null;this.size=420;this.digits=3;this.causal=!1;this.row=0;this.col=0;this.table=!1;this.#e=!1;this.key=e=>{if(e.ctrlKey||e.metaKey||e.altKey||!this.grid)return;let{row:n,col:s}=this,[o,i]=this.shape,a=e.shiftKey?8:1,u={ArrowUp:[n-a,s],ArrowDown:[n+a,s],ArrowLeft:[n,s-a],ArrowRight:[n,s+a],Home:[n,0],End:[n,this.causal?Math.min(n,i-1):i-1],PageUp:[0,s],PageDown:[o-1,s]}[e.key];if(u)this.go(u[0],u[1],!0);else if(e.key==="m")this.go(n,this.strongest(n),!0);else if(e.key==="t")this.table=!this.table;else if(e.key==="Enter"||e.key===" ")this.go(n,s,!0);else return;e.preventDefault()};this.point=e=>{let n=this.cellOf(e);n&&(n[0]!==this.row||n[1]!==this.col||!this.#e)&&this.go(n[0],n[1],!1)};this.choose=e=>{let n=this.cellOf(e);n&&this.go(n[0],n[1],!0)}}static{this.properties={grid:{attribute:!1},rows:{attribute:!1},cols:{attribute:!1},scale:{},guides:{attribute:!1},marks:{attribute:!1},label:{},rowName:{},colName:{},domain:{attribute:!1},focusKey:{attribute:!1},size:{type:Number},digits:{type:Number},causal:{type:Boolean},row:{state:!0},col:{state:!0},table:{state:!0}}}#e;get shape(){return[this.grid?.shape[0]??0,this.grid?.shape[1]??0]}ends(){if(this.domain)return this.domain;if(this.scale==="unit"||!this.grid)return[0,1];let e=Math.max(Math.abs(this.grid.max()),Math.abs(this.grid.min()))||1;return[-e,e]}value(e,n){let s=this.grid.at(e,n);return this.scale==="signed"?R(s,this.digits):g(s,this.digits)}name(e,n){return e[n]===void 0?String(n):`${U(e[n])}`}readout(){let{row:e,col:n}=this;return`${this.rowName} ${e} ${this.rows.length?this.name(this.rows,e):""} → ${this.colName} ${n} ${this.cols.length?this.name(this.cols,n):""}: ${this.value(e,n)}`}willUpdate(e){if(e.has("grid")){let[n,s]=this.shape;this.row=Math.min(this.row,Math.max(n-1,0)),this.col=Math.min(this.col,Math.max(s-1,0))}}render(){if(!this.grid)return l`<p class="quiet">Nothing to show yet.</p>`;let[e,n]=this.ends(),s=this.scale==="signed"?[e,0,n]:[e,(e+n)/2,n];return l`<div class="heatmap">
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
          >${s.map(o=>l`<span>${this.scale==="signed"?R(o):e===0&&n===1?M(o):g(o)}</span>`)}</span
        >
      </div>
      ${this.guides.length?l`<ul class="guides">
            ${this.guides.map((o,i)=>l`<li><span class="dash d${i%3} ${o.role??""}" aria-hidden="true"></span>${o.label}</li>`)}
          </ul>`:m}
      ${we(this.table,()=>this.table=!this.table,this.label,[`${this.rowName} \\ ${this.colName}`,...this.visible(1).map(o=>`${o} ${this.cols.length?this.name(this.cols,o):""}`)],()=>this.visible(0).map(o=>[`${o} ${this.rows.length?this.name(this.rows,o):""}`,...this.visible(1).map(i=>this.causal&&i>o?"":this.value(o,i))]))}
      ${this.table&&Math.max(...this.shape)>rt?l`<p class="quiet">The table shows ${rt} around the chosen cell.</p>`:m}
    </div>`}visible(e){let n=this.shape[e],s=e===0?this.row:this.col,o=Math.max(0,Math.min(n-rt,s-rt/2));return Array.from({length:Math.min(n,rt)},(i,a)=>o+a)}updated(){this.draw()}layout(){let[e,n]=this.shape,s=Math.max(80,Math.min(this.size,this.width||this.size)),o=Math.max(1,Math.min(s/Math.max(n,1),this.size/Math.max(e,1),40));return{cell:o,left:0,top:0,w:o*n,h:o*e}}draw(){let e=this.querySelector("canvas"),n=e?.getContext("2d");if(!e||!n||!this.grid)return;let[s,o]=this.shape,{cell:i,w:a,h:c}=this.layout(),u=window.devicePixelRatio||1;e.width=Math.ceil(a*u),e.height=Math.ceil(c*u),e.style.width=`${a}px`,e.style.height=`${c}px`;let d=getComputedStyle(this),h=(w,$)=>d.getPropertyValue(w).trim()||$,[p,y]=this.ends(),f=new ImageData(Math.max(o,1),Math.max(s,1));for(let w=0;w<s;w++)for(let $=0;$<o;$++){if(this.causal&&$>w)continue;let v=this.grid.at(w,$),T=this.scale==="signed"?hs(v/Math.max(Math.abs(p),Math.abs(y))):xt((v-p)/(y-p||1));f.data.set([...T,255],4*(w*o+$))}let b=document.createElement("canvas");b.width=Math.max(o,1),b.height=Math.max(s,1),b.getContext("2d").putImageData(f,0,0),n.setTransform(u,0,0,u,0,0),n.imageSmoothingEnabled=!1,n.clearRect(0,0,a,c),n.drawImage(b,0,0,a,c),this.guides.forEach((w,$)=>{for(let[v,T]of[[4,h("--paper","#fff")],[2,h(w.role?`--${w.role}`:"--guide","#d55e00")]]){if(n.lineWidth=v,n.strokeStyle=T,n.setLineDash(v===4?[]:[[6,4],[2,3],[10,3,2,3]][$%3]),n.beginPath(),w.kind==="diagonal"){let H=Math.max(0,-w.offset),z=Math.min(s,o-w.offset);n.moveTo((H+w.offset)*i,H*i),n.lineTo((z+w.offset)*i,z*i)}else w.kind==="row"?(n.moveTo(0,(w.offset+.5)*i),n.lineTo(a,(w.offset+.5)*i)):(n.moveTo((w.offset+.5)*i,0),n.lineTo((w.offset+.5)*i,c));n.stroke()}}),n.setLineDash([]);let _=(w,$,v,T)=>{n.lineWidth=T+2,n.strokeStyle=h("--paper","#fff"),n.strokeRect($*i,w*i,i,i),n.lineWidth=T,n.strokeStyle=v,n.strokeRect($*i,w*i,i,i)};for(let w of this.marks)_(w.row,w.col,h(w.role?`--${w.role}`:"--accent","#d55e00"),2);if(this.focusKey&&A.current!==null)for(let w=0;w<s;w++)for(let $=0;$<o;$++)this.focusKey(w,$)===A.current&&_(w,$,h("--accent","#06c"),2);this.#e&&_(this.row,this.col,h("--ink","#000"),2)}active(e){this.#e=e,!e&&this.focusKey&&A.peek(null),this.draw()}go(e,n,s){let[o,i]=this.shape;this.row=Math.min(Math.max(e,0),o-1),this.col=Math.min(Math.max(n,0),i-1),this.#e=!0,this.focusKey&&A.peek(this.focusKey(this.row,this.col)),s&&this.dispatchEvent(new CustomEvent("cell",{detail:{row:this.row,col:this.col},bubbles:!0})),this.requestUpdate()}strongest(e){let[,n]=this.shape,s=0,o=i=>this.scale==="signed"?Math.abs(this.grid.at(e,i)):this.grid.at(e,i);for(let i=1;i<n;i++)!(this.causal&&i>e)&&o(i)>o(s)&&(s=i);return s}cellOf(e){let n=this.querySelector("canvas");if(!n)return null;let s=n.getBoundingClientRect(),[o,i]=this.shape,a=Math.floor((e.clientY-s.top)/s.height*o),c=Math.floor((e.clientX-s.left)/s.width*i);return a<0||c<0||a>=o||c>=i?null:[a,c]}};customElements.define("rung-heatmap",Tn);var Tt=["behaviour","clue","contribution","causal support","mechanism"],oi=["Is there anything to explain?","Where does each head look?","Which component pushes the right token?","Does the model rely on it, for the reason claimed?","Is it built to do that?"],ii={holds:"✓",fails:"✗",contradicted:"✗",inconclusive:"?","not applicable":"–","not run":"○"},_n=class extends K{constructor(){super(...arguments);this.measurements=[];this.verdict=null;this.label="Evidence ladder"}static{this.properties={measurements:{attribute:!1},verdict:{attribute:!1},label:{}}}render(){return l`<div class="ladder" role="group" aria-label=${this.label}>
      ${this.verdict?l`<p class="verdict"><strong>${this.verdict.sentence}</strong></p>`:m}
      <ol reversed>
        ${[4,3,2,1,0].map(e=>this.rung(e))}
      </ol>
    </div>`}rung(e){let n=this.measurements.filter(a=>a.rung===e),s=n.filter(a=>a.required!==!1),o=s.filter(a=>a.outcome==="holds").length,i=this.verdict!==null&&this.verdict.rung>=e;return l`<li class="rung ${i?"reached":""}">
      <p class="rung-name">
        <span class="rung-number" aria-hidden="true">${e}</span> <strong>${Tt[e]}</strong>
        <span class="quiet">${oi[e]}</span>
        <span class="rung-state">${s.length?`${o} of ${s.length} required tests hold`:n.length?"":"not measured"}</span>
      </p>
      ${n.length?l`<div class="table-scroll" tabindex="0" role="region" aria-label="Tests of ${Tt[e]}">
            <table>
              <thead class=${e===4?"":"sr"}>
                <tr><th scope="col">outcome</th><th scope="col">test</th><th scope="col">effect</th><th scope="col">interval</th><th scope="col">floor</th><th scope="col">control</th><th scope="col">n</th></tr>
              </thead>
              <tbody>
                ${n.map(a=>l`<tr class="outcome-${a.outcome.replace(" ","-")} ${a.required===!1?"shown":""}">
                    <td class="outcome"><span aria-hidden="true">${ii[a.outcome]}</span> ${a.outcome}</td>
                    <th scope="row">${a.title}${a.subject?l` <span class="quiet">${a.subject}</span>`:m}${a.required===!1?l` <span class="quiet">shown only</span>`:m}${a.note?l`<br /><span class="quiet">${a.note}</span>`:m}</th>
                    <td>${Mn(a.value)} ${a.unit??""}</td>
                    <td>${typeof a.low=="number"&&typeof a.high=="number"?le(a.low,a.high):"–"}</td>
                    <td>${Mn(a.floor)}</td>
                    <td>${Mn(a.control)}</td>
                    <td>${typeof a.n=="number"?a.n:"–"}</td>
                  </tr>`)}
              </tbody>
            </table>
          </div>`:m}
    </li>`}},Mn=t=>typeof t=="number"?g(t):"–";customElements.define("rung-ladder",_n);function st(t,r){return t==null||r==null?NaN:t<r?-1:t>r?1:t>=r?0:NaN}function ai(t,r){return t==null||r==null?NaN:r<t?-1:r>t?1:r>=t?0:NaN}function gs(t){let r,e,n;t.length!==2?(r=st,e=(a,c)=>st(t(a),c),n=(a,c)=>t(a)-c):(r=t===st||t===ai?t:li,e=t,n=t);function s(a,c,u=0,d=a.length){if(u<d){if(r(c,c)!==0)return d;do{let h=u+d>>>1;e(a[h],c)<0?u=h+1:d=h}while(u<d)}return u}function o(a,c,u=0,d=a.length){if(u<d){if(r(c,c)!==0)return d;do{let h=u+d>>>1;e(a[h],c)<=0?u=h+1:d=h}while(u<d)}return u}function i(a,c,u=0,d=a.length){let h=s(a,c,u,d-1);return h>u&&n(a[h-1],c)>-n(a[h],c)?h-1:h}return{left:s,center:i,right:o}}function li(){return 0}function ui(t){return t===null?NaN:+t}var bs=gs(st),ys=bs.right,ql=bs.left,Nl=gs(ui).center;var Cl=$s(vs),Pl=$s(ci);function $s(t){return function(r,e,n=e){if(!((e=+e)>=0))throw new RangeError("invalid rx");if(!((n=+n)>=0))throw new RangeError("invalid ry");let{data:s,width:o,height:i}=r;if(!((o=Math.floor(o))>=0))throw new RangeError("invalid width");if(!((i=Math.floor(i!==void 0?i:s.length/o))>=0))throw new RangeError("invalid height");if(!o||!i||!e&&!n)return r;let a=e&&t(e),c=n&&t(n),u=s.slice();return a&&c?(je(a,u,s,o,i),je(a,s,u,o,i),je(a,u,s,o,i),Le(c,s,u,o,i),Le(c,u,s,o,i),Le(c,s,u,o,i)):a?(je(a,s,u,o,i),je(a,u,s,o,i),je(a,s,u,o,i)):c&&(Le(c,s,u,o,i),Le(c,u,s,o,i),Le(c,s,u,o,i)),r}}function je(t,r,e,n,s){for(let o=0,i=n*s;o<i;)t(r,e,o,o+=n,1)}function Le(t,r,e,n,s){for(let o=0,i=n*s;o<n;++o)t(r,e,o,o+i,n)}function ci(t){let r=vs(t);return(e,n,s,o,i)=>{s<<=2,o<<=2,i<<=2,r(e,n,s+0,o+0,i),r(e,n,s+1,o+1,i),r(e,n,s+2,o+2,i),r(e,n,s+3,o+3,i)}}function vs(t){let r=Math.floor(t);if(r===t)return hi(t);let e=t-r,n=2*t+1;return(s,o,i,a,c)=>{if(!((a-=c)>=i))return;let u=r*o[i],d=c*r,h=d+c;for(let p=i,y=i+d;p<y;p+=c)u+=o[Math.min(a,p)];for(let p=i,y=a;p<=y;p+=c)u+=o[Math.min(a,p+d)],s[p]=(u+e*(o[Math.max(i,p-h)]+o[Math.min(a,p+h)]))/n,u-=o[Math.max(i,p-d)]}}function hi(t){let r=2*t+1;return(e,n,s,o,i)=>{if(!((o-=i)>=s))return;let a=t*n[s],c=i*t;for(let u=s,d=s+c;u<d;u+=i)a+=n[Math.min(o,u)];for(let u=s,d=o;u<=d;u+=i)a+=n[Math.min(o,u+c)],e[u]=a/r,a-=n[Math.max(s,u-c)]}}var di=Array.prototype,Ol=di.slice;var pi=Math.sqrt(50),mi=Math.sqrt(10),fi=Math.sqrt(2);function Mt(t,r,e){let n=(r-t)/Math.max(0,e),s=Math.floor(Math.log10(n)),o=n/Math.pow(10,s),i=o>=pi?10:o>=mi?5:o>=fi?2:1,a,c,u;return s<0?(u=Math.pow(10,-s)/i,a=Math.round(t*u),c=Math.round(r*u),a/u<t&&++a,c/u>r&&--c,u=-u):(u=Math.pow(10,s)*i,a=Math.round(t/u),c=Math.round(r/u),a*u<t&&++a,c*u>r&&--c),c<a&&.5<=e&&e<2?Mt(t,r,e*2):[a,c,u]}function ws(t,r,e){if(r=+r,t=+t,e=+e,!(e>0))return[];if(t===r)return[t];let n=r<t,[s,o,i]=n?Mt(r,t,e):Mt(t,r,e);if(!(o>=s))return[];let a=o-s+1,c=new Array(a);if(n)if(i<0)for(let u=0;u<a;++u)c[u]=(o-u)/-i;else for(let u=0;u<a;++u)c[u]=(o-u)*i;else if(i<0)for(let u=0;u<a;++u)c[u]=(s+u)/-i;else for(let u=0;u<a;++u)c[u]=(s+u)*i;return c}function _t(t,r,e){return r=+r,t=+t,e=+e,Mt(t,r,e)[2]}function ks(t,r,e){r=+r,t=+t,e=+e;let n=r<t,s=n?_t(r,t,e):_t(t,r,e);return(n?-1:1)*(s<0?1/-s:s)}var Hl=gi(Math.random);function gi(t){return function(e,n=0,s=e.length){let o=s-(n=+n);for(;o;){let i=t()*o--|0,a=e[o+n];e[o+n]=e[i+n],e[i+n]=a}return e}}function Be(t,r,e){t.prototype=r.prototype=e,e.constructor=t}function at(t,r){var e=Object.create(t.prototype);for(var n in r)e[n]=r[n];return e}function ke(){}var Ne=.7,We=1/Ne,ze="\\s*([+-]?\\d+)\\s*",ot="\\s*([+-]?(?:\\d*\\.)?\\d+(?:[eE][+-]?\\d+)?)\\s*",ue="\\s*([+-]?(?:\\d*\\.)?\\d+(?:[eE][+-]?\\d+)?)%\\s*",bi=/^#([0-9a-f]{3,8})$/,yi=new RegExp(`^rgb\\(${ze},${ze},${ze}\\)$`),$i=new RegExp(`^rgb\\(${ue},${ue},${ue}\\)$`),vi=new RegExp(`^rgba\\(${ze},${ze},${ze},${ot}\\)$`),wi=new RegExp(`^rgba\\(${ue},${ue},${ue},${ot}\\)$`),ki=new RegExp(`^hsl\\(${ot},${ue},${ue}\\)$`),xi=new RegExp(`^hsla\\(${ot},${ue},${ue},${ot}\\)$`),xs={aliceblue:15792383,antiquewhite:16444375,aqua:65535,aquamarine:8388564,azure:15794175,beige:16119260,bisque:16770244,black:0,blanchedalmond:16772045,blue:255,blueviolet:9055202,brown:10824234,burlywood:14596231,cadetblue:6266528,chartreuse:8388352,chocolate:13789470,coral:16744272,cornflowerblue:6591981,cornsilk:16775388,crimson:14423100,cyan:65535,darkblue:139,darkcyan:35723,darkgoldenrod:12092939,darkgray:11119017,darkgreen:25600,darkgrey:11119017,darkkhaki:12433259,darkmagenta:9109643,darkolivegreen:5597999,darkorange:16747520,darkorchid:10040012,darkred:9109504,darksalmon:15308410,darkseagreen:9419919,darkslateblue:4734347,darkslategray:3100495,darkslategrey:3100495,darkturquoise:52945,darkviolet:9699539,deeppink:16716947,deepskyblue:49151,dimgray:6908265,dimgrey:6908265,dodgerblue:2003199,firebrick:11674146,floralwhite:16775920,forestgreen:2263842,fuchsia:16711935,gainsboro:14474460,ghostwhite:16316671,gold:16766720,goldenrod:14329120,gray:8421504,green:32768,greenyellow:11403055,grey:8421504,honeydew:15794160,hotpink:16738740,indianred:13458524,indigo:4915330,ivory:16777200,khaki:15787660,lavender:15132410,lavenderblush:16773365,lawngreen:8190976,lemonchiffon:16775885,lightblue:11393254,lightcoral:15761536,lightcyan:14745599,lightgoldenrodyellow:16448210,lightgray:13882323,lightgreen:9498256,lightgrey:13882323,lightpink:16758465,lightsalmon:16752762,lightseagreen:2142890,lightskyblue:8900346,lightslategray:7833753,lightslategrey:7833753,lightsteelblue:11584734,lightyellow:16777184,lime:65280,limegreen:3329330,linen:16445670,magenta:16711935,maroon:8388608,mediumaquamarine:6737322,mediumblue:205,mediumorchid:12211667,mediumpurple:9662683,mediumseagreen:3978097,mediumslateblue:8087790,mediumspringgreen:64154,mediumturquoise:4772300,mediumvioletred:13047173,midnightblue:1644912,mintcream:16121850,mistyrose:16770273,moccasin:16770229,navajowhite:16768685,navy:128,oldlace:16643558,olive:8421376,olivedrab:7048739,orange:16753920,orangered:16729344,orchid:14315734,palegoldenrod:15657130,palegreen:10025880,paleturquoise:11529966,palevioletred:14381203,papayawhip:16773077,peachpuff:16767673,peru:13468991,pink:16761035,plum:14524637,powderblue:11591910,purple:8388736,rebeccapurple:6697881,red:16711680,rosybrown:12357519,royalblue:4286945,saddlebrown:9127187,salmon:16416882,sandybrown:16032864,seagreen:3050327,seashell:16774638,sienna:10506797,silver:12632256,skyblue:8900331,slateblue:6970061,slategray:7372944,slategrey:7372944,snow:16775930,springgreen:65407,steelblue:4620980,tan:13808780,teal:32896,thistle:14204888,tomato:16737095,turquoise:4251856,violet:15631086,wheat:16113331,white:16777215,whitesmoke:16119285,yellow:16776960,yellowgreen:10145074};Be(ke,Ue,{copy(t){return Object.assign(new this.constructor,this,t)},displayable(){return this.rgb().displayable()},hex:As,formatHex:As,formatHex8:Ai,formatHsl:Ti,formatRgb:Ts,toString:Ts});function As(){return this.rgb().formatHex()}function Ai(){return this.rgb().formatHex8()}function Ti(){return Ps(this).formatHsl()}function Ts(){return this.rgb().formatRgb()}function Ue(t){var r,e;return t=(t+"").trim().toLowerCase(),(r=bi.exec(t))?(e=r[1].length,r=parseInt(r[1],16),e===6?Ms(r):e===3?new W(r>>8&15|r>>4&240,r>>4&15|r&240,(r&15)<<4|r&15,1):e===8?Rt(r>>24&255,r>>16&255,r>>8&255,(r&255)/255):e===4?Rt(r>>12&15|r>>8&240,r>>8&15|r>>4&240,r>>4&15|r&240,((r&15)<<4|r&15)/255):null):(r=yi.exec(t))?new W(r[1],r[2],r[3],1):(r=$i.exec(t))?new W(r[1]*255/100,r[2]*255/100,r[3]*255/100,1):(r=vi.exec(t))?Rt(r[1],r[2],r[3],r[4]):(r=wi.exec(t))?Rt(r[1]*255/100,r[2]*255/100,r[3]*255/100,r[4]):(r=ki.exec(t))?Ss(r[1],r[2]/100,r[3]/100,1):(r=xi.exec(t))?Ss(r[1],r[2]/100,r[3]/100,r[4]):xs.hasOwnProperty(t)?Ms(xs[t]):t==="transparent"?new W(NaN,NaN,NaN,0):null}function Ms(t){return new W(t>>16&255,t>>8&255,t&255,1)}function Rt(t,r,e,n){return n<=0&&(t=r=e=NaN),new W(t,r,e,n)}function Cn(t){return t instanceof ke||(t=Ue(t)),t?(t=t.rgb(),new W(t.r,t.g,t.b,t.opacity)):new W}function lt(t,r,e,n){return arguments.length===1?Cn(t):new W(t,r,e,n??1)}function W(t,r,e,n){this.r=+t,this.g=+r,this.b=+e,this.opacity=+n}Be(W,lt,at(ke,{brighter(t){return t=t==null?We:Math.pow(We,t),new W(this.r*t,this.g*t,this.b*t,this.opacity)},darker(t){return t=t==null?Ne:Math.pow(Ne,t),new W(this.r*t,this.g*t,this.b*t,this.opacity)},rgb(){return this},clamp(){return new W(Ee(this.r),Ee(this.g),Ee(this.b),Et(this.opacity))},displayable(){return-.5<=this.r&&this.r<255.5&&-.5<=this.g&&this.g<255.5&&-.5<=this.b&&this.b<255.5&&0<=this.opacity&&this.opacity<=1},hex:_s,formatHex:_s,formatHex8:Mi,formatRgb:Rs,toString:Rs}));function _s(){return`#${Se(this.r)}${Se(this.g)}${Se(this.b)}`}function Mi(){return`#${Se(this.r)}${Se(this.g)}${Se(this.b)}${Se((isNaN(this.opacity)?1:this.opacity)*255)}`}function Rs(){let t=Et(this.opacity);return`${t===1?"rgb(":"rgba("}${Ee(this.r)}, ${Ee(this.g)}, ${Ee(this.b)}${t===1?")":`, ${t})`}`}function Et(t){return isNaN(t)?1:Math.max(0,Math.min(1,t))}function Ee(t){return Math.max(0,Math.min(255,Math.round(t)||0))}function Se(t){return t=Ee(t),(t<16?"0":"")+t.toString(16)}function Ss(t,r,e,n){return n<=0?t=r=e=NaN:e<=0||e>=1?t=r=NaN:r<=0&&(t=NaN),new ie(t,r,e,n)}function Ps(t){if(t instanceof ie)return new ie(t.h,t.s,t.l,t.opacity);if(t instanceof ke||(t=Ue(t)),!t)return new ie;if(t instanceof ie)return t;t=t.rgb();var r=t.r/255,e=t.g/255,n=t.b/255,s=Math.min(r,e,n),o=Math.max(r,e,n),i=NaN,a=o-s,c=(o+s)/2;return a?(r===o?i=(e-n)/a+(e<n)*6:e===o?i=(n-r)/a+2:i=(r-e)/a+4,a/=c<.5?o+s:2-o-s,i*=60):a=c>0&&c<1?0:i,new ie(i,a,c,t.opacity)}function Nt(t,r,e,n){return arguments.length===1?Ps(t):new ie(t,r,e,n??1)}function ie(t,r,e,n){this.h=+t,this.s=+r,this.l=+e,this.opacity=+n}Be(ie,Nt,at(ke,{brighter(t){return t=t==null?We:Math.pow(We,t),new ie(this.h,this.s,this.l*t,this.opacity)},darker(t){return t=t==null?Ne:Math.pow(Ne,t),new ie(this.h,this.s,this.l*t,this.opacity)},rgb(){var t=this.h%360+(this.h<0)*360,r=isNaN(t)||isNaN(this.s)?0:this.s,e=this.l,n=e+(e<.5?e:1-e)*r,s=2*e-n;return new W(Rn(t>=240?t-240:t+120,s,n),Rn(t,s,n),Rn(t<120?t+240:t-120,s,n),this.opacity)},clamp(){return new ie(Es(this.h),St(this.s),St(this.l),Et(this.opacity))},displayable(){return(0<=this.s&&this.s<=1||isNaN(this.s))&&0<=this.l&&this.l<=1&&0<=this.opacity&&this.opacity<=1},formatHsl(){let t=Et(this.opacity);return`${t===1?"hsl(":"hsla("}${Es(this.h)}, ${St(this.s)*100}%, ${St(this.l)*100}%${t===1?")":`, ${t})`}`}}));function Es(t){return t=(t||0)%360,t<0?t+360:t}function St(t){return Math.max(0,Math.min(1,t||0))}function Rn(t,r,e){return(t<60?r+(e-r)*t/60:t<180?e:t<240?r+(e-r)*(240-t)/60:r)*255}var Os=Math.PI/180,Hs=180/Math.PI,qt=18,js=.96422,Ls=1,zs=.82521,Is=4/29,Ie=6/29,Ws=3*Ie*Ie,_i=Ie*Ie*Ie;function Bs(t){if(t instanceof ce)return new ce(t.l,t.a,t.b,t.opacity);if(t instanceof ge)return Ds(t);t instanceof W||(t=Cn(t));var r=Nn(t.r),e=Nn(t.g),n=Nn(t.b),s=Sn((.2225045*r+.7168786*e+.0606169*n)/Ls),o,i;return r===e&&e===n?o=i=s:(o=Sn((.4360747*r+.3850649*e+.1430804*n)/js),i=Sn((.0139322*r+.0971045*e+.7141733*n)/zs)),new ce(116*s-16,500*(o-s),200*(s-i),t.opacity)}function Us(t,r,e,n){return arguments.length===1?Bs(t):new ce(t,r,e,n??1)}function ce(t,r,e,n){this.l=+t,this.a=+r,this.b=+e,this.opacity=+n}Be(ce,Us,at(ke,{brighter(t){return new ce(this.l+qt*(t??1),this.a,this.b,this.opacity)},darker(t){return new ce(this.l-qt*(t??1),this.a,this.b,this.opacity)},rgb(){var t=(this.l+16)/116,r=isNaN(this.a)?t:t+this.a/500,e=isNaN(this.b)?t:t-this.b/200;return r=js*En(r),t=Ls*En(t),e=zs*En(e),new W(qn(3.1338561*r-1.6168667*t-.4906146*e),qn(-.9787684*r+1.9161415*t+.033454*e),qn(.0719453*r-.2289914*t+1.4052427*e),this.opacity)}}));function Sn(t){return t>_i?Math.pow(t,1/3):t/Ws+Is}function En(t){return t>Ie?t*t*t:Ws*(t-Is)}function qn(t){return 255*(t<=.0031308?12.92*t:1.055*Math.pow(t,1/2.4)-.055)}function Nn(t){return(t/=255)<=.04045?t/12.92:Math.pow((t+.055)/1.055,2.4)}function Ri(t){if(t instanceof ge)return new ge(t.h,t.c,t.l,t.opacity);if(t instanceof ce||(t=Bs(t)),t.a===0&&t.b===0)return new ge(NaN,0<t.l&&t.l<100?0:NaN,t.l,t.opacity);var r=Math.atan2(t.b,t.a)*Hs;return new ge(r<0?r+360:r,Math.sqrt(t.a*t.a+t.b*t.b),t.l,t.opacity)}function Ct(t,r,e,n){return arguments.length===1?Ri(t):new ge(t,r,e,n??1)}function ge(t,r,e,n){this.h=+t,this.c=+r,this.l=+e,this.opacity=+n}function Ds(t){if(isNaN(t.h))return new ce(t.l,0,0,t.opacity);var r=t.h*Os;return new ce(t.l,Math.cos(r)*t.c,Math.sin(r)*t.c,t.opacity)}Be(ge,Ct,at(ke,{brighter(t){return new ge(this.h,this.c,this.l+qt*(t??1),this.opacity)},darker(t){return new ge(this.h,this.c,this.l-qt*(t??1),this.opacity)},rgb(){return Ds(this).rgb()}}));var Fs=-.14861,Pn=1.78277,On=-.29227,Pt=-.90649,it=1.97294,qs=it*Pt,Ns=it*Pn,Cs=Pn*On-Pt*Fs;function Si(t){if(t instanceof qe)return new qe(t.h,t.s,t.l,t.opacity);t instanceof W||(t=Cn(t));var r=t.r/255,e=t.g/255,n=t.b/255,s=(Cs*n+qs*r-Ns*e)/(Cs+qs-Ns),o=n-s,i=(it*(e-s)-On*o)/Pt,a=Math.sqrt(i*i+o*o)/(it*s*(1-s)),c=a?Math.atan2(i,o)*Hs-120:NaN;return new qe(c<0?c+360:c,a,s,t.opacity)}function Ot(t,r,e,n){return arguments.length===1?Si(t):new qe(t,r,e,n??1)}function qe(t,r,e,n){this.h=+t,this.s=+r,this.l=+e,this.opacity=+n}Be(qe,Ot,at(ke,{brighter(t){return t=t==null?We:Math.pow(We,t),new qe(this.h,this.s,this.l*t,this.opacity)},darker(t){return t=t==null?Ne:Math.pow(Ne,t),new qe(this.h,this.s,this.l*t,this.opacity)},rgb(){var t=isNaN(this.h)?0:(this.h+120)*Os,r=+this.l,e=isNaN(this.s)?0:this.s*r*(1-r),n=Math.cos(t),s=Math.sin(t);return new W(255*(r+e*(Fs*n+Pn*s)),255*(r+e*(On*n+Pt*s)),255*(r+e*(it*n)),this.opacity)}}));function Gs(t,r,e,n,s){var o=t*t,i=o*t;return((1-3*t+3*o-i)*r+(4-6*o+3*i)*e+(1+3*t+3*o-3*i)*n+i*s)/6}function Ei(t){var r=t.length-1;return function(e){var n=e<=0?e=0:e>=1?(e=1,r-1):Math.floor(e*r),s=t[n],o=t[n+1],i=n>0?t[n-1]:2*s-o,a=n<r-1?t[n+2]:2*o-s;return Gs((e-n/r)*r,i,s,o,a)}}function qi(t){var r=t.length;return function(e){var n=Math.floor(((e%=1)<0?++e:e)*r),s=t[(n+r-1)%r],o=t[n%r],i=t[(n+1)%r],a=t[(n+2)%r];return Gs((e-n/r)*r,s,o,i,a)}}var jt=t=>()=>t;function Ys(t,r){return function(e){return t+e*r}}function Ni(t,r,e){return t=Math.pow(t,e),r=Math.pow(r,e)-t,e=1/e,function(n){return Math.pow(t+n*r,e)}}function zn(t,r){var e=r-t;return e?Ys(t,e>180||e<-180?e-360*Math.round(e/360):e):jt(isNaN(t)?r:t)}function Ci(t){return(t=+t)==1?G:function(r,e){return e-r?Ni(r,e,t):jt(isNaN(r)?e:r)}}function G(t,r){var e=r-t;return e?Ys(t,e):jt(isNaN(t)?r:t)}var Ks=(function t(r){var e=Ci(r);function n(s,o){var i=e((s=lt(s)).r,(o=lt(o)).r),a=e(s.g,o.g),c=e(s.b,o.b),u=G(s.opacity,o.opacity);return function(d){return s.r=i(d),s.g=a(d),s.b=c(d),s.opacity=u(d),s+""}}return n.gamma=t,n})(1);function Qs(t){return function(r){var e=r.length,n=new Array(e),s=new Array(e),o=new Array(e),i,a;for(i=0;i<e;++i)a=lt(r[i]),n[i]=a.r||0,s[i]=a.g||0,o[i]=a.b||0;return n=t(n),s=t(s),o=t(o),a.opacity=1,function(c){return a.r=n(c),a.g=s(c),a.b=o(c),a+""}}}var Il=Qs(Ei),Wl=Qs(qi);function Pi(t,r){r||(r=[]);var e=t?Math.min(r.length,t.length):0,n=r.slice(),s;return function(o){for(s=0;s<e;++s)n[s]=t[s]*(1-o)+r[s]*o;return n}}function Oi(t){return ArrayBuffer.isView(t)&&!(t instanceof DataView)}function Hi(t,r){var e=r?r.length:0,n=t?Math.min(e,t.length):0,s=new Array(n),o=new Array(e),i;for(i=0;i<n;++i)s[i]=Lt(t[i],r[i]);for(;i<e;++i)o[i]=r[i];return function(a){for(i=0;i<n;++i)o[i]=s[i](a);return o}}function ji(t,r){var e=new Date;return t=+t,r=+r,function(n){return e.setTime(t*(1-n)+r*n),e}}function ae(t,r){return t=+t,r=+r,function(e){return t*(1-e)+r*e}}function Li(t,r){var e={},n={},s;(t===null||typeof t!="object")&&(t={}),(r===null||typeof r!="object")&&(r={});for(s in r)s in t?e[s]=Lt(t[s],r[s]):n[s]=r[s];return function(o){for(s in e)n[s]=e[s](o);return n}}var jn=/[-+]?(?:\d+\.?\d*|\.?\d+)(?:[eE][-+]?\d+)?/g,Hn=new RegExp(jn.source,"g");function zi(t){return function(){return t}}function Ii(t){return function(r){return t(r)+""}}function Wi(t,r){var e=jn.lastIndex=Hn.lastIndex=0,n,s,o,i=-1,a=[],c=[];for(t=t+"",r=r+"";(n=jn.exec(t))&&(s=Hn.exec(r));)(o=s.index)>e&&(o=r.slice(e,o),a[i]?a[i]+=o:a[++i]=o),(n=n[0])===(s=s[0])?a[i]?a[i]+=s:a[++i]=s:(a[++i]=null,c.push({i,x:ae(n,s)})),e=Hn.lastIndex;return e<r.length&&(o=r.slice(e),a[i]?a[i]+=o:a[++i]=o),a.length<2?c[0]?Ii(c[0].x):zi(r):(r=c.length,function(u){for(var d=0,h;d<r;++d)a[(h=c[d]).i]=h.x(u);return a.join("")})}function Lt(t,r){var e=typeof r,n;return r==null||e==="boolean"?jt(r):(e==="number"?ae:e==="string"?(n=Ue(r))?(r=n,Ks):Wi:r instanceof Ue?Ks:r instanceof Date?ji:Oi(r)?Pi:Array.isArray(r)?Hi:typeof r.valueOf!="function"&&typeof r.toString!="function"||isNaN(r)?Li:ae)(t,r)}function Xs(t,r){return t=+t,r=+r,function(e){return Math.round(t*(1-e)+r*e)}}var Js=180/Math.PI,Ln={translateX:0,translateY:0,rotate:0,skewX:0,scaleX:1,scaleY:1};function Zs(t,r,e,n,s,o){var i,a,c;return(i=Math.sqrt(t*t+r*r))&&(t/=i,r/=i),(c=t*e+r*n)&&(e-=t*c,n-=r*c),(a=Math.sqrt(e*e+n*n))&&(e/=a,n/=a,c/=a),t*n<r*e&&(t=-t,r=-r,c=-c,i=-i),{translateX:s,translateY:o,rotate:Math.atan2(r,t)*Js,skewX:Math.atan(c)*Js,scaleX:i,scaleY:a}}var Ht;function Bi(t){let r=new(typeof DOMMatrix=="function"?DOMMatrix:WebKitCSSMatrix)(t+"");return r.isIdentity?Ln:Zs(r.a,r.b,r.c,r.d,r.e,r.f)}function Ui(t){return t==null||(Ht||(Ht=document.createElementNS("http://www.w3.org/2000/svg","g")),Ht.setAttribute("transform",t),!(t=Ht.transform.baseVal.consolidate()))?Ln:(t=t.matrix,Zs(t.a,t.b,t.c,t.d,t.e,t.f))}function eo(t,r,e,n){function s(u){return u.length?u.pop()+" ":""}function o(u,d,h,p,y,f){if(u!==h||d!==p){var b=y.push("translate(",null,r,null,e);f.push({i:b-4,x:ae(u,h)},{i:b-2,x:ae(d,p)})}else(h||p)&&y.push("translate("+h+r+p+e)}function i(u,d,h,p){u!==d?(u-d>180?d+=360:d-u>180&&(u+=360),p.push({i:h.push(s(h)+"rotate(",null,n)-2,x:ae(u,d)})):d&&h.push(s(h)+"rotate("+d+n)}function a(u,d,h,p){u!==d?p.push({i:h.push(s(h)+"skewX(",null,n)-2,x:ae(u,d)}):d&&h.push(s(h)+"skewX("+d+n)}function c(u,d,h,p,y,f){if(u!==h||d!==p){var b=y.push(s(y)+"scale(",null,",",null,")");f.push({i:b-4,x:ae(u,h)},{i:b-2,x:ae(d,p)})}else(h!==1||p!==1)&&y.push(s(y)+"scale("+h+","+p+")")}return function(u,d){var h=[],p=[];return u=t(u),d=t(d),o(u.translateX,u.translateY,d.translateX,d.translateY,h,p),i(u.rotate,d.rotate,h,p),a(u.skewX,d.skewX,h,p),c(u.scaleX,u.scaleY,d.scaleX,d.scaleY,h,p),u=d=null,function(y){for(var f=-1,b=p.length,_;++f<b;)h[(_=p[f]).i]=_.x(y);return h.join("")}}}var Bl=eo(Bi,"px, ","px)","deg)"),Ul=eo(Ui,", ",")",")"),Di=1e-12;function Vs(t){return((t=Math.exp(t))+1/t)/2}function Fi(t){return((t=Math.exp(t))-1/t)/2}function Ki(t){return((t=Math.exp(2*t))-1)/(t+1)}var Dl=(function t(r,e,n){function s(o,i){var a=o[0],c=o[1],u=o[2],d=i[0],h=i[1],p=i[2],y=d-a,f=h-c,b=y*y+f*f,_,w;if(b<Di)w=Math.log(p/u)/r,_=function(re){return[a+re*y,c+re*f,u*Math.exp(r*re*w)]};else{var $=Math.sqrt(b),v=(p*p-u*u+n*b)/(2*u*e*$),T=(p*p-u*u-n*b)/(2*p*e*$),H=Math.log(Math.sqrt(v*v+1)-v),z=Math.log(Math.sqrt(T*T+1)-T);w=(z-H)/r,_=function(re){var pt=re*w,Ye=Vs(H),mt=u/(e*$)*(Ye*Ki(r*pt+H)-Fi(H));return[a+mt*y,c+mt*f,u*Ye/Vs(r*pt+H)]}}return _.duration=Math.abs(w)*1e3*r/Math.SQRT2,_}return s.rho=function(o){var i=Math.max(.001,+o),a=i*i,c=a*a;return t(i,a,c)},s})(Math.SQRT2,2,4);function to(t){return function(r,e){var n=t((r=Nt(r)).h,(e=Nt(e)).h),s=G(r.s,e.s),o=G(r.l,e.l),i=G(r.opacity,e.opacity);return function(a){return r.h=n(a),r.s=s(a),r.l=o(a),r.opacity=i(a),r+""}}}var Fl=to(zn),Kl=to(G);function no(t){return function(r,e){var n=t((r=Ct(r)).h,(e=Ct(e)).h),s=G(r.c,e.c),o=G(r.l,e.l),i=G(r.opacity,e.opacity);return function(a){return r.h=n(a),r.c=s(a),r.l=o(a),r.opacity=i(a),r+""}}}var Jl=no(zn),Vl=no(G);function ro(t){return(function r(e){e=+e;function n(s,o){var i=t((s=Ot(s)).h,(o=Ot(o)).h),a=G(s.s,o.s),c=G(s.l,o.l),u=G(s.opacity,o.opacity);return function(d){return s.h=i(d),s.s=a(d),s.l=c(Math.pow(d,e)),s.opacity=u(d),s+""}}return n.gamma=r,n})(1)}var Gl=ro(zn),Yl=ro(G);function Ji(t){return Math.abs(t=Math.round(t))>=1e21?t.toLocaleString("en").replace(/,/g,""):t.toString(10)}function It(t,r){if(!isFinite(t)||t===0)return null;var e=(t=r?t.toExponential(r-1):t.toExponential()).indexOf("e"),n=t.slice(0,e);return[n.length>1?n[0]+n.slice(2):n,+t.slice(e+1)]}function De(t){return t=It(Math.abs(t)),t?t[1]:NaN}function Vi(t,r){return function(e,n){for(var s=e.length,o=[],i=0,a=t[0],c=0;s>0&&a>0&&(c+a+1>n&&(a=Math.max(1,n-c)),o.push(e.substring(s-=a,s+a)),!((c+=a+1)>n));)a=t[i=(i+1)%t.length];return o.reverse().join(r)}}function Gi(t){return function(r){return r.replace(/[0-9]/g,function(e){return t[+e]})}}var Yi=/^(?:(.)?([<>=^]))?([+\-( ])?([$#])?(0)?(\d+)?(,)?(\.\d+)?(~)?([a-z%])?$/i;function ut(t){if(!(r=Yi.exec(t)))throw new Error("invalid format: "+t);var r;return new In({fill:r[1],align:r[2],sign:r[3],symbol:r[4],zero:r[5],width:r[6],comma:r[7],precision:r[8]&&r[8].slice(1),trim:r[9],type:r[10]})}ut.prototype=In.prototype;function In(t){this.fill=t.fill===void 0?" ":t.fill+"",this.align=t.align===void 0?">":t.align+"",this.sign=t.sign===void 0?"-":t.sign+"",this.symbol=t.symbol===void 0?"":t.symbol+"",this.zero=!!t.zero,this.width=t.width===void 0?void 0:+t.width,this.comma=!!t.comma,this.precision=t.precision===void 0?void 0:+t.precision,this.trim=!!t.trim,this.type=t.type===void 0?"":t.type+""}In.prototype.toString=function(){return this.fill+this.align+this.sign+this.symbol+(this.zero?"0":"")+(this.width===void 0?"":Math.max(1,this.width|0))+(this.comma?",":"")+(this.precision===void 0?"":"."+Math.max(0,this.precision|0))+(this.trim?"~":"")+this.type};function Qi(t){e:for(var r=t.length,e=1,n=-1,s;e<r;++e)switch(t[e]){case".":n=s=e;break;case"0":n===0&&(n=e),s=e;break;default:if(!+t[e])break e;n>0&&(n=0);break}return n>0?t.slice(0,n)+t.slice(s+1):t}var Wt;function Xi(t,r){var e=It(t,r);if(!e)return Wt=void 0,t.toPrecision(r);var n=e[0],s=e[1],o=s-(Wt=Math.max(-8,Math.min(8,Math.floor(s/3)))*3)+1,i=n.length;return o===i?n:o>i?n+new Array(o-i+1).join("0"):o>0?n.slice(0,o)+"."+n.slice(o):"0."+new Array(1-o).join("0")+It(t,Math.max(0,r+o-1))[0]}function so(t,r){var e=It(t,r);if(!e)return t+"";var n=e[0],s=e[1];return s<0?"0."+new Array(-s).join("0")+n:n.length>s+1?n.slice(0,s+1)+"."+n.slice(s+1):n+new Array(s-n.length+2).join("0")}var oo={"%":(t,r)=>(t*100).toFixed(r),b:t=>Math.round(t).toString(2),c:t=>t+"",d:Ji,e:(t,r)=>t.toExponential(r),f:(t,r)=>t.toFixed(r),g:(t,r)=>t.toPrecision(r),o:t=>Math.round(t).toString(8),p:(t,r)=>so(t*100,r),r:so,s:Xi,X:t=>Math.round(t).toString(16).toUpperCase(),x:t=>Math.round(t).toString(16)};function io(t){return t}var ao=Array.prototype.map,lo=["y","z","a","f","p","n","µ","m","","k","M","G","T","P","E","Z","Y"];function Zi(t){var r=t.grouping===void 0||t.thousands===void 0?io:Vi(ao.call(t.grouping,Number),t.thousands+""),e=t.currency===void 0?"":t.currency[0]+"",n=t.currency===void 0?"":t.currency[1]+"",s=t.decimal===void 0?".":t.decimal+"",o=t.numerals===void 0?io:Gi(ao.call(t.numerals,String)),i=t.percent===void 0?"%":t.percent+"",a=t.minus===void 0?"−":t.minus+"",c=t.nan===void 0?"NaN":t.nan+"";function u(h,p){h=ut(h);var y=h.fill,f=h.align,b=h.sign,_=h.symbol,w=h.zero,$=h.width,v=h.comma,T=h.precision,H=h.trim,z=h.type;z==="n"?(v=!0,z="g"):oo[z]||(T===void 0&&(T=12),H=!0,z="g"),(w||y==="0"&&f==="=")&&(w=!0,y="0",f="=");var re=(p&&p.prefix!==void 0?p.prefix:"")+(_==="$"?e:_==="#"&&/[boxX]/.test(z)?"0"+z.toLowerCase():""),pt=(_==="$"?n:/[%p]/.test(z)?i:"")+(p&&p.suffix!==void 0?p.suffix:""),Ye=oo[z],mt=/[defgprs%]/.test(z);T=T===void 0?6:/[gprs]/.test(z)?Math.max(1,Math.min(21,T)):Math.max(0,Math.min(20,T));function Ur(S){var xe=re,te=pt,Pe,Dr,ft;if(z==="c")te=Ye(S)+te,S="";else{S=+S;var gt=S<0||1/S<0;if(S=isNaN(S)?c:Ye(Math.abs(S),T),H&&(S=Qi(S)),gt&&+S==0&&b!=="+"&&(gt=!1),xe=(gt?b==="("?b:a:b==="-"||b==="("?"":b)+xe,te=(z==="s"&&!isNaN(S)&&Wt!==void 0?lo[8+Wt/3]:"")+te+(gt&&b==="("?")":""),mt){for(Pe=-1,Dr=S.length;++Pe<Dr;)if(ft=S.charCodeAt(Pe),48>ft||ft>57){te=(ft===46?s+S.slice(Pe+1):S.slice(Pe))+te,S=S.slice(0,Pe);break}}}v&&!w&&(S=r(S,1/0));var bt=xe.length+S.length+te.length,he=bt<$?new Array($-bt+1).join(y):"";switch(v&&w&&(S=r(he+S,he.length?$-te.length:1/0),he=""),f){case"<":S=xe+S+te+he;break;case"=":S=xe+he+S+te;break;case"^":S=he.slice(0,bt=he.length>>1)+xe+S+te+he.slice(bt);break;default:S=he+xe+S+te;break}return o(S)}return Ur.toString=function(){return h+""},Ur}function d(h,p){var y=Math.max(-8,Math.min(8,Math.floor(De(p)/3)))*3,f=Math.pow(10,-y),b=u((h=ut(h),h.type="f",h),{suffix:lo[8+y/3]});return function(_){return b(f*_)}}return{format:u,formatPrefix:d}}var zt,Wn,Bn;ea({thousands:",",grouping:[3],currency:["$",""]});function ea(t){return zt=Zi(t),Wn=zt.format,Bn=zt.formatPrefix,zt}function uo(t){return Math.max(0,-De(Math.abs(t)))}function co(t,r){return Math.max(0,Math.max(-8,Math.min(8,Math.floor(De(r)/3)))*3-De(Math.abs(t)))}function ho(t,r){return t=Math.abs(t),r=Math.abs(r)-t,Math.max(0,De(r)-De(t))+1}function go(t,r){switch(arguments.length){case 0:break;case 1:this.range(t);break;default:this.range(r).domain(t);break}return this}function ta(t){return function(){return t}}function na(t){return+t}var po=[0,1];function Fe(t){return t}function Un(t,r){return(r-=t=+t)?function(e){return(e-t)/r}:ta(isNaN(r)?NaN:.5)}function ra(t,r){var e;return t>r&&(e=t,t=r,r=e),function(n){return Math.max(t,Math.min(r,n))}}function sa(t,r,e){var n=t[0],s=t[1],o=r[0],i=r[1];return s<n?(n=Un(s,n),o=e(i,o)):(n=Un(n,s),o=e(o,i)),function(a){return o(n(a))}}function oa(t,r,e){var n=Math.min(t.length,r.length)-1,s=new Array(n),o=new Array(n),i=-1;for(t[n]<t[0]&&(t=t.slice().reverse(),r=r.slice().reverse());++i<n;)s[i]=Un(t[i],t[i+1]),o[i]=e(r[i],r[i+1]);return function(a){var c=ys(t,a,1,n)-1;return o[c](s[c](a))}}function bo(t,r){return r.domain(t.domain()).range(t.range()).interpolate(t.interpolate()).clamp(t.clamp()).unknown(t.unknown())}function yo(){var t=po,r=po,e=Lt,n,s,o,i=Fe,a,c,u;function d(){var p=Math.min(t.length,r.length);return i!==Fe&&(i=ra(t[0],t[p-1])),a=p>2?oa:sa,c=u=null,h}function h(p){return p==null||isNaN(p=+p)?o:(c||(c=a(t.map(n),r,e)))(n(i(p)))}return h.invert=function(p){return i(s((u||(u=a(r,t.map(n),ae)))(p)))},h.domain=function(p){return arguments.length?(t=Array.from(p,na),d()):t.slice()},h.range=function(p){return arguments.length?(r=Array.from(p),d()):r.slice()},h.rangeRound=function(p){return r=Array.from(p),e=Xs,d()},h.clamp=function(p){return arguments.length?(i=p?!0:Fe,d()):i!==Fe},h.interpolate=function(p){return arguments.length?(e=p,d()):e},h.unknown=function(p){return arguments.length?(o=p,h):o},function(p,y){return n=p,s=y,d()}}function ia(){return yo()(Fe,Fe)}function aa(t,r,e,n){var s=ks(t,r,e),o;switch(n=ut(n??",f"),n.type){case"s":{var i=Math.max(Math.abs(t),Math.abs(r));return n.precision==null&&!isNaN(o=co(s,i))&&(n.precision=o),Bn(n,i)}case"":case"e":case"g":case"p":case"r":{n.precision==null&&!isNaN(o=ho(s,Math.max(Math.abs(t),Math.abs(r))))&&(n.precision=o-(n.type==="e"));break}case"f":case"%":{n.precision==null&&!isNaN(o=uo(s))&&(n.precision=o-(n.type==="%")*2);break}}return Wn(n)}function $o(t){var r=t.domain;return t.ticks=function(e){var n=r();return ws(n[0],n[n.length-1],e??10)},t.tickFormat=function(e,n){var s=r();return aa(s[0],s[s.length-1],e??10,n)},t.nice=function(e){e==null&&(e=10);var n=r(),s=0,o=n.length-1,i=n[s],a=n[o],c,u,d=10;for(a<i&&(u=i,i=a,a=u,u=s,s=o,o=u);d-- >0;){if(u=_t(i,a,e),u===c)return n[s]=i,n[o]=a,r(n);if(u>0)i=Math.floor(i/u)*u,a=Math.ceil(a/u)*u;else if(u<0)i=Math.ceil(i*u)/u,a=Math.floor(a*u)/u;else break;c=u}return t},t}function Bt(){var t=ia();return t.copy=function(){return bo(t,Bt())},go.apply(t,arguments),$o(t)}function mo(t){return function(r){return Math.sign(r)*Math.log1p(Math.abs(r/t))}}function fo(t){return function(r){return Math.sign(r)*Math.expm1(Math.abs(r))*t}}function la(t){var r=1,e=t(mo(r),fo(r));return e.constant=function(n){return arguments.length?t(mo(r=+n),fo(r)):r},$o(e)}function Dn(){var t=la(yo());return t.copy=function(){return bo(t,Dn()).constant(t.constant())},go.apply(t,arguments)}var ua=["","6 3","2 3","10 3 2 3","4 4","1 4"],Fn=class extends K{constructor(){super(...arguments);this.series=[];this.x="";this.y="";this.label="";this.rules=[];this.domain=null;this.xDomain=null;this.log=!1;this.height=240;this.cursor=null;this.table=!1}static{this.properties={series:{attribute:!1},x:{},y:{},label:{},rules:{attribute:!1},domain:{attribute:!1},xDomain:{attribute:!1},log:{type:Boolean},height:{type:Number},cursor:{type:Number},table:{state:!0}}}render(){let e=Math.max(this.width||600,200),{height:n}=this,s=this.series.flatMap($=>$.points).filter(([$,v])=>Number.isFinite($)&&Number.isFinite(v)),o=s.map(([$])=>$),i=[...s.map(([,$])=>$),...this.rules.map($=>$.y)],[a,c,u,d]=[48,12,12,38],h=this.xDomain??(o.length?[Math.min(...o),Math.max(...o)]:[0,1]),p=this.domain??(i.length?[Math.min(0,...i),Math.max(...i)]:[0,1]),y=(this.log?Dn():Bt()).domain(h).range([a,e-c]),f=Bt().domain(p).range([n-d,u]).nice(),b=e<420?4:6,_=$=>$.points.filter(([v,T])=>Number.isFinite(v)&&Number.isFinite(T)).map(([v,T],H)=>`${H?"L":"M"}${y(v).toFixed(1)} ${f(T).toFixed(1)}`).join(""),w=($,v)=>$.predicted?"2 4":$.dashed?"6 3":$.role?"":ua[v%6];return l`<figure class="lines">
      <svg width=${e} height=${n} role="img" aria-label="${this.label||`${this.y} by ${this.x}`}">
        ${f.ticks(5).map($=>O`<line x1=${a} x2=${e-c} y1=${f($)} y2=${f($)} class="grid"></line><text x=${a-6} y=${f($)+4} class="tick" text-anchor="end">${$}</text>`)}
        ${(this.log?ca(h,b):y.ticks(b)).map($=>O`<text x=${y($)} y=${n-d+16} class="tick" text-anchor="middle">${$}</text>`)}
        <text x=${(a+e-c)/2} y=${n-4} class="axis" text-anchor="middle">${this.x}</text>
        <text x="12" y=${(u+n-d)/2} class="axis" text-anchor="middle" transform="rotate(-90 12 ${(u+n-d)/2})">${this.y}</text>
        ${this.rules.map($=>O`<line x1=${a} x2=${e-c} y1=${f($.y)} y2=${f($.y)} class="rule"></line><text x=${e-c} y=${f($.y)-4} class="tick halo" text-anchor="end">${$.label} ${g($.y)}</text>`)}
        ${this.cursor===null?m:O`<line x1=${y(this.cursor)} x2=${y(this.cursor)} y1=${u} y2=${n-d} class="cursor"></line>`}
        ${this.series.map(($,v)=>O`<path d=${_($)} fill="none" stroke=${$.predicted?"var(--guess)":pe($.role,v)} stroke-width="2" stroke-dasharray=${w($,v)} stroke-linejoin="round"></path>
          ${$.points.length===1?O`<circle cx=${y($.points[0][0])} cy=${f($.points[0][1])} r="3" fill=${pe($.role,v)}></circle>`:m}`)}
      </svg>
      <ul class="legend">
        ${this.series.map(($,v)=>l`<li><svg class="swatch wide" viewBox="0 0 20 12" aria-hidden="true"><path d="M0 6H20" fill="none" stroke=${$.predicted?"var(--guess)":pe($.role,v)} stroke-width="2.5" stroke-dasharray=${w($,v)}></path></svg>${$.label}${$.role?l` <span class="role-tag ${$.role}">${$.role}</span>`:m}${$.points.length?l` <span class="quiet">${g($.points.at(-1)[1])}</span>`:m}</li>`)}
      </ul>
      ${we(this.table,()=>this.table=!this.table,this.label||`${this.y} by ${this.x}`,[this.x||"x",...this.series.map($=>$.label)],()=>{let $=[...new Set(o)].sort((T,H)=>T-H),v=this.series.map(T=>new Map(T.points));return $.map(T=>[g(T,Number.isInteger(T)?0:2),...v.map(H=>H.has(T)?g(H.get(T),3):"")])})}
    </figure>`}};function ca([t,r],e){let n=t<=0?[0]:[];for(let s=1;s<=r;s*=10)s>=t&&n.push(s);return n.length>e?n.filter((s,o)=>o%2===0):n}customElements.define("rung-lines",Fn);var Kn=class extends K{constructor(){super(...arguments);this.grids=[];this.labels=[];this.scores=[];this.keys=[];this.selected=null;this.label="Heads"}static{this.properties={grids:{attribute:!1},labels:{attribute:!1},scores:{attribute:!1},keys:{attribute:!1},selected:{type:Number},label:{}}}render(){return l`<ul class="thumbs" aria-label=${this.label}>
      ${this.grids.map((e,n)=>{let s=this.keys[n];return l`<li>
          <button
            type="button"
            class="thumb ${s!==void 0&&A.current===s?"lit":""}"
            aria-pressed=${n===this.selected?"true":"false"}
            @click=${()=>this.dispatchEvent(new CustomEvent("pick",{detail:{index:n},bubbles:!0}))}
            @pointerenter=${()=>s&&A.peek(s)}
            @pointerleave=${()=>s&&A.peek(null)}
          >
            <canvas aria-hidden="true"></canvas>
            <span class="thumb-label">${this.labels[n]??n}</span>
            <span class="thumb-score">${this.scores[n]??""}</span>
          </button>
        </li>`})}
    </ul>`}updated(){let e=this.querySelectorAll("canvas");this.grids.forEach((n,s)=>ha(e[s],n))}};function ha(t,r){let[e,n]=[r.shape[0],r.shape[1]];t.width=n,t.height=e;let s=new ImageData(n,e);for(let o=0;o<e*n;o++)s.data.set([...xt(r.data[o]),255],4*o);t.getContext("2d").putImageData(s,0,0)}customElements.define("rung-thumbs",Kn);var Jn=class extends K{constructor(){super(...arguments);this.tokens=[];this.selected=null;this.marks=[];this.label="Tokens";this.at=0;this.keys=e=>{let n=[...this.querySelectorAll(".tok")],s=n.indexOf(document.activeElement),o={ArrowLeft:s-1,ArrowRight:s+1,Home:0,End:n.length-1}[e.key];if(o===void 0||s<0)return;e.preventDefault();let i=n[Math.min(Math.max(o,0),n.length-1)];for(let a of n)a.tabIndex=a===i?0:-1;i.focus(),A.peek(`pos:${n.indexOf(i)}`)}}static{this.properties={tokens:{attribute:!1},selected:{type:Number},marks:{attribute:!1},label:{},at:{state:!0}}}render(){let e=Math.min(this.selected??this.at,this.tokens.length-1),n=new Map(this.marks.map(s=>[s.index,s]));return l`<div class="tokens" role="group" aria-label=${this.label} @keydown=${this.keys}>
      ${this.tokens.map((s,o)=>{let i=n.get(o),a=A.current===`pos:${o}`;return l`<button
          type="button"
          class="tok ${a?"lit":""} ${i?.role??""} ${i?"marked":""}"
          tabindex=${o===e?0:-1}
          aria-pressed=${o===this.selected?"true":"false"}
          aria-label="${o} ${U(s)}${i?` ${i.label}`:""}"
          @click=${()=>this.pick(o)}
          @pointerenter=${()=>A.peek(`pos:${o}`)}
          @pointerleave=${()=>A.peek(null)}
        ><span class="index">${o}</span>${U(s)}${i?l`<span class="mark">${i.label}</span>`:""}</button>`})}
    </div>`}pick(e){this.at=e,this.dispatchEvent(new CustomEvent("pick",{detail:{index:e},bubbles:!0}))}};customElements.define("rung-tokens",Jn);var vo=new Set,Vn=new Set,Ke={done:t=>vo.has(t),tell(t){vo.add(t);for(let r of[...Vn])r(t)},subscribe(t){return Vn.add(t),()=>Vn.delete(t)}};var E=class t{constructor(r,e){this.shape=r;this.data=e;if(r.reduce((s,o)=>s*o,1)!==e.length)throw new RangeError(`${e.length} numbers do not fill the shape [${r.join(", ")}]`)}static from(r){let e=atob(r.data),n=Uint8Array.from(e,i=>i.charCodeAt(0)),s=new DataView(n.buffer),o=new Float32Array(n.length>>2);for(let i=0;i<o.length;i++)o[i]=s.getFloat32(4*i,!0);return new t(r.shape,o)}static of(r,e){return new t(r,Float32Array.from(e))}at(...r){return this.data[this.offset(r)]}slice(...r){let e=this.shape.slice(r.length),n=e.reduce((o,i)=>o*i,1),s=this.offset(r);return new t(e,this.data.subarray(s,s+n))}max(){return this.data.reduce((r,e)=>Math.max(r,e),-1/0)}min(){return this.data.reduce((r,e)=>Math.min(r,e),1/0)}offset(r){let e=0;for(let n=0;n<this.shape.length;n++){let s=this.shape[n],o=r[n]??0;if(!(o>=0&&o<s))throw new RangeError(`index ${o} is outside axis ${n} of ${s}`);e=e*s+o}return e}};var X=class extends Error{constructor(e,n="error"){super(e);this.kind=n;this.name="LabError"}},Gn=new Set,J={status:"ok",run:null,set(t){if(t!==J.status){J.status=t;for(let r of[...Gn])r()}},subscribe(t){return Gn.add(t),()=>Gn.delete(t)}},da="The lab was restarted since this page was opened. Open the address that rung lab printed last; what you set is in this page's address, and your pins are kept.",wo="The lab does not answer: it was stopped, or the connection broke. Start rung lab again, or press Run once more; nothing that you typed is lost.",pa=(()=>{let t=new Uint8Array(9);return globalThis.crypto?.getRandomValues(t),Array.from(t,r=>r.toString(36).padStart(2,"0")).join("")})();async function ko(t){let r=`the server answered ${t.status}`,e=String(t.status);try{let n=await t.json();typeof n.message=="string"&&(r=n.message),typeof n.kind=="string"&&(e=n.kind)}catch{}return t.status===401?(J.set("restarted"),new X(da,"restarted")):new X(r,e)}var Yn=async(t,r,e)=>{let n;try{n=await fetch(t,{method:"POST",headers:{"content-type":"application/json"},body:r,credentials:"same-origin",signal:e})}catch(s){throw e?.aborted?s:(J.set("lost"),new X(wo,"lost"))}if(!n.ok)throw await ko(n);return n};async function*ma(t){let r=t.getReader(),e=new TextDecoder,n="";try{for(;;){let{done:s,value:o}=await r.read();n+=e.decode(o,{stream:!s});let i=s?n:n.replace(/\r$/,""),a=n.slice(i.length),c=i.replace(/\r\n?/g,`
`).split(`

`);n=(c.pop()??"")+a;for(let u of c){let d={name:"message",data:""},h=[];for(let p of u.split(`
`)){let y=p.indexOf(":");if(y===0)continue;let f=y<0?p:p.slice(0,y),b=y<0?"":p.slice(y+1).replace(/^ /,"");f==="event"&&(d.name=b),f==="data"&&h.push(b)}h.length&&(d.data=h.join(`
`),yield d)}if(s)return}}finally{r.cancel().catch(()=>{})}}var fa={async run(t,r,{signal:e,onProgress:n}){let s=await Yn("/api/run",JSON.stringify({computation:t,ask:r,tab:pa}),e);J.set("ok");try{for await(let o of ma(s.body)){let i=JSON.parse(o.data);if(o.name==="progress")n?.(i);else{if(o.name==="answer")return i;if(o.name==="error")throw new X(String(i.message),String(i.kind??"error"));if(o.name==="cancelled")throw new X("The computation was cancelled.","cancelled")}}}catch(o){if(o instanceof X||e.aborted)throw o}throw e.aborted?e.reason:(J.set("lost"),new X(wo,"lost"))},async session(){let t=await fetch("/api/session",{credentials:"same-origin"});if(!t.ok)throw await ko(t);return await t.json()},async check(t){return await(await Yn("/api/drawer",t)).json()},async save(t){return await(await Yn("/api/drawer/save",JSON.stringify(t))).json()}},Ft=fa;var Qn=()=>Ft,Ut=new Map,Je=t=>t instanceof DOMException&&t.name==="AbortError";async function Z(t,r,e){Ut.get(e.panel)?.abort();let n=new AbortController;Ut.set(e.panel,n);let s=()=>n.abort();e.signal?.aborted&&s(),e.signal?.addEventListener("abort",s);try{let o=await Ft.run(t,r,{signal:n.signal,onProgress:i=>{n.signal.aborted||e.onProgress?.(i)}});if(n.signal.aborted)throw n.signal.reason;return o}finally{e.signal?.removeEventListener("abort",s),Ut.get(e.panel)===n&&Ut.delete(e.panel)}}var Dt=null;function Kt(){return Dt??=Ft.session().then(t=>(J.run=t.run,t)),Dt.catch(()=>Dt=null),Dt}async function Xn(){try{let t=await Ft.session();J.set(J.run===null||t.run===J.run?"ok":"restarted")}catch(t){J.set(t instanceof X&&t.kind==="restarted"?"restarted":"lost")}}var Jt="rung-drawer:",Zn=new Set,Ce=`${Jt}none`,Vt=t=>{try{let r=localStorage.getItem(t);return r===null?null:JSON.parse(r)}catch{return null}},ga=t=>typeof t=="object"&&t!==null&&t.format==="rung-drawer",k={pins:[],proof:null,add(t){let r=JSON.stringify([t.panel,t.test,t.subject,t.title,t.ask]),e=k.pins.filter(s=>JSON.stringify([s.panel,s.test,s.subject,s.title,s.ask])!==r),n=new Date().toISOString();k.pins=[...e,{...t,id:`${n}-${e.length}`,at:n}],Ve()},remove(t){k.pins=k.pins.filter(r=>r.id!==t),Ve()},clear(){k.pins=[],k.proof=null,Ve()},setProof(t){k.proof=t,Ve()},file(){return{format:"rung-drawer",version:1,run:Ce.slice(Jt.length),saved:new Date().toISOString(),pins:k.pins,proof:k.proof}},async download(){let t=k.pins.map(({id:s,at:o,...i})=>i),r=await Qn().save({pins:t,proof:k.proof}),e=URL.createObjectURL(new Blob([r.text],{type:"application/json"})),n=document.createElement("a");n.href=e,n.download=r.name,n.click(),setTimeout(()=>URL.revokeObjectURL(e),1e3)},async open(t){k.show(await Qn().check(t))},show(t){if(t.drawer){k.pins=[];for(let r of t.drawer.pins)k.add(r);k.proof=t.drawer.proof??null}else t.record!==null&&(k.proof=JSON.parse(t.record));Ve()},earlier(){let t=[];for(let r=0;r<localStorage.length;r++){let e=localStorage.key(r);if(!e.startsWith(Jt)||e===Ce)continue;let n=Vt(e);n?.pins?.length&&t.push({key:e,pins:n.pins,saved:n.saved??""})}return t.sort((r,e)=>e.saved.localeCompare(r.saved))},bringBack(t){let r=Vt(t);if(!r)return;let e=new Set(k.pins.map(n=>n.id));k.pins=[...k.pins,...(r.pins??[]).filter(n=>!e.has(n.id))],k.proof??=r.proof??null,localStorage.removeItem(t),Ve()},subscribe(t){return Zn.add(t),()=>Zn.delete(t)}},Ao=()=>{for(let t of[...Zn])t()};function Ve(){try{localStorage.setItem(Ce,JSON.stringify(k.file()))}catch{}Ao()}function xo(){let t=Vt(Ce);ga(t)&&(k.pins=t.pins??[],k.proof=t.proof??null),Ao()}async function To(){let t=await Kt();Ce=Jt+t.run;let r=Vt(Ce)===null;xo(),r&&k.show({drawer:t.drawer,record:t.record}),window.addEventListener("storage",e=>{e.key===Ce&&xo()})}var ba=t=>JSON.stringify(t,(r,e)=>e&&typeof e=="object"&&!Array.isArray(e)?Object.fromEntries(Object.entries(e).sort(([n],[s])=>n<s?-1:1)):e),Mo=null,ya=async()=>{let t=await fetch("/static/precomputed.json",{credentials:"same-origin"});return t.ok?await t.json():{answers:{},same:{}}};async function _o(t,r){try{Mo??=ya();let{answers:e,same:n}=await Mo,s=`${t} ${ba(r)}`;return e[n[s]??s]??null}catch{return null}}var Gt=new Set,er=()=>new URLSearchParams(location.search),N={get(t,r=""){return er().get(t)??r},number(t,r){let e=er().get(t);if(e===null||e.trim()==="")return r;let n=Number(e);return Number.isFinite(n)?n:r},set(t){let r=er(),e=r.toString();for(let[s,o]of Object.entries(t))o===null?r.delete(s):r.set(s,String(o));let n=r.toString();if(n!==e){history.replaceState(history.state,"",`${location.pathname}${n?`?${n}`:""}${location.hash}`);for(let s of[...Gt])s()}},subscribe(t){return Gt.add(t),()=>Gt.delete(t)}};typeof window<"u"&&window.addEventListener("popstate",()=>{for(let t of[...Gt])t()});var L=()=>N.get("model","two-layer"),$a=400,va=150,C=class extends F{constructor(){super(...arguments);this.live=!0;this.prediction=null;this.answer=null;this.beside=null;this.#e=null;this.#t=null;this.#n=0;this.#r=null;this.#s=!1;this.#i=!1;this.#c=null;this.#a=null;this.#h=!1;this.#o="";this.#l="";this.#d=!1;this.#u=null;this.#y=[];this.#p=null;this.#m=!0;this.#f=!1;this.#g=0}controls(){return m}pin(e,n){return null}describe(e){return Object.entries(e).filter(([,n])=>n!=null&&typeof n!="object"&&n!=="").map(([n,s])=>n==="model"?String(s):`${n.replace(/_/g," ")} ${String(s).slice(0,40)}`).join(" · ")}#e;#t;#n;#r;#s;#i;#c;#a;#h;#o;#l;#d;#u;#y;#p;#m;#f;#g;static{this.properties={prediction:{attribute:!1},answer:{attribute:!1},beside:{attribute:!1}}}createRenderRoot(){return this}connectedCallback(){super.connectedCallback(),this.id=this.name,this.classList.add("panel"),this.#x(),this.#y=[N.subscribe(()=>this.#w()),A.subscribe(()=>this.requestUpdate()),k.subscribe(()=>this.requestUpdate())],this.#p=new IntersectionObserver(e=>{this.#m=e.some(n=>n.isIntersecting),this.#m&&this.#f&&this.#w()}),this.#p.observe(this)}disconnectedCallback(){super.disconnectedCallback();for(let e of this.#y)e();this.#p?.disconnect()}setPrediction(e){this.prediction=e,this.#b(),this.act("predicted")}act(e){Ke.tell(`${this.name}:${e}`)}value(e,n=""){return N.get(`${this.name}.${e}`,n)}number(e,n){return N.number(`${this.name}.${e}`,n)}put(e){N.set(Object.fromEntries(Object.entries(e).map(([n,s])=>[`${this.name}.${n}`,s])))}get answered(){return this.#e}get besideAsk(){return this.#t?.ask??null}async runNow(){let e=this.ask();if(typeof e=="string"){this.#a=e,this.requestUpdate();return}window.clearTimeout(this.#g);let n=++this.#n,s=this.#r=new AbortController;this.#s=!0,this.#i=!1,this.#f=!1,this.#c=null,this.#a=null,this.#o="",this.requestUpdate();let o=window.setTimeout(()=>{n===this.#n&&(this.#i=!0,this.requestUpdate())},$a);_o(this.computation,e).then(i=>{i===null||n!==this.#n||!this.#s||this.#$(e,i,!0)});try{let i=await Z(this.computation,e,{panel:this.name,signal:s.signal,onProgress:a=>{n===this.#n&&(this.#c=a,this.requestUpdate())}});if(n!==this.#n)return;this.#$(e,i,!1),this.#o=`${this.heading}: done.`,this.act("ran")}catch(i){if(n!==this.#n)return;Je(i)||i instanceof X&&i.kind==="cancelled"?this.#o="Cancelled. Press Run to ask again.":(this.#a=i instanceof Error?i.message:String(i),i instanceof X||console.error(i))}finally{window.clearTimeout(o),n===this.#n&&(this.#s=!1,this.#i=!1,this.#c=null,this.requestUpdate())}}cancel(){this.#r?.abort()}#$(e,n,s){this.#e=e,this.#h=s,this.answer=n,this.requestUpdate()}#v(){if(this.#e===null)return!1;let e=this.ask();return typeof e=="string"||JSON.stringify(e)!==JSON.stringify(this.#e)}#w(){if(this.requestUpdate(),!(!this.live||this.answer===null&&!this.#s)&&!(!this.#v()&&!this.#s)){if(!this.#m){this.#f=!0;return}window.clearTimeout(this.#g),this.#g=window.setTimeout(()=>{this.runNow()},va)}}#x(){try{let e=JSON.parse(sessionStorage.getItem(`rung:${this.name}`)??"{}");this.prediction??=e.prediction??null,this.#l=e.gap??"",this.#d=e.explained??!1}catch{}}#b(){try{let e={prediction:this.prediction,gap:this.#l,explained:this.#d};sessionStorage.setItem(`rung:${this.name}`,JSON.stringify(e))}catch{}}render(){return l`<div class="slot">
        <div class="panel-body" role="group" aria-labelledby="${this.name}-heading">${this.#A()}</div>
      </div>
      <dialog aria-labelledby="${this.name}-heading" @close=${()=>this.#q()}></dialog>`}#A(){let{answer:e}=this,n=e!==null&&this.#e!==null;return l`<header class="panel-head">
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
            ${n?"Run again":"Run"}
          </button>
          ${this.#s&&this.#i?this.#T():m}
          ${!this.#s&&this.#v()?l`<span class="quiet">The settings changed since this run.</span>`:m}
        </div>
        <p class="status" role="status">${this.#o}</p>
        ${this.#a!==null?l`<p class="problem" role="alert">${this.#a}${n?" The figure is that of the run before.":""}</p>`:m}
      </div>
      ${n?this.#M(e,this.#e):m}`}#T(){let e=this.#c,n=e&&e.total>0?e.done/e.total:null;return l`<span class="waiting">
      <progress aria-label="Progress" max="1" value=${n??m}></progress>
      <span role="status">${e?`${e.step}${e.total>0?`: ${e.done} of ${e.total}`:""}`:`Computing: ${this.heading}`}</span>
      <button type="button" data-act="cancel" @click=${()=>this.cancel()}>Cancel</button>
    </span>`}#M(e,n){let s=this.#h?null:this.pin(e,n),o=s!==null&&k.pins.some(i=>i.panel===this.name&&i.title===s.title&&JSON.stringify(i.ask)===JSON.stringify(n));return l`<div class="see stage" aria-busy=${this.#s?"true":"false"}>
        ${this.#h?l`<p class="beforehand">Computed beforehand for ${this.describe(n)}; the live result replaces it.</p>`:m}
        <div class="runs ${this.#t?"two":""}">
          <div class="now">
            ${this.#t?l`<p class="caption"><strong>Now</strong> ${this.describe(n)}</p>`:m}
            ${this.see(e,"now")}
          </div>
          ${this.#t?l`<div class="kept">
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
      ${this.#_(e,n,s,o)}`}#_(e,n,s,o){let i=this.cli(n),a=this.#u==="python"?this.python(n):this.#u==="cli"?i:null,c=(u,d)=>l`<button
        type="button"
        data-act=${u}
        aria-expanded=${this.#u===u?"true":"false"}
        @click=${()=>{this.#u=this.#u===u?null:u,this.requestUpdate()}}
      >
        ${d}
      </button>`;return l`<footer class="panel-foot">
        ${c("python","As Python")} ${i===null?m:c("cli","As CLI")}
        <span class="spring"></span>
        <button
          type="button"
          data-act="keep"
          @click=${()=>{this.#t={ask:n,answer:e},this.beside=e,this.act("kept")}}
        >
          Keep beside
        </button>
        ${s===null?m:l`<button
              type="button"
              data-act="pin"
              ?disabled=${o}
              @click=${()=>{k.add({...s,panel:this.name,computation:this.computation,ask:n}),this.#o=`Pinned: ${s.title}.`,this.act("pinned")}}
            >
              ${o?"Pinned":"Pin"}
            </button>`}
      </footer>
      ${a===null?m:l`<div class="code">
            <pre tabindex="0" aria-label=${this.#u==="python"?"As Python":"As CLI"}><code>${a}</code></pre>
            <button type="button" data-act="copy" @click=${u=>{this.#S(a,u)}}>Copy</button>
          </div>`}`}#k(e){if(e&&this.#l.trim()===""){this.#o="Write a line first, or press Skip.",this.requestUpdate();return}this.#d=!0,this.#b(),this.act(e?"answered":"skipped"),this.requestUpdate()}#R(){this.#t=null,this.beside=null}async#S(e,n){let s=n.currentTarget;try{await navigator.clipboard.writeText(e),this.#o="Copied."}catch{let o=s.parentElement.querySelector("code");getSelection()?.selectAllChildren(o),this.#o="Selected: press Ctrl-C, or Command-C, to copy."}this.requestUpdate()}#E(){let e=this.querySelector(":scope > dialog"),n=this.querySelector(":scope .panel-body");if(e.open){e.close();return}e.append(n),e.showModal(),n.querySelector("[data-act=enlarge]")?.focus(),this.act("enlarged")}#q(){let e=this.querySelector(":scope > dialog > .panel-body");e&&(this.querySelector(":scope > .slot").append(e),e.querySelector("[data-act=enlarge]")?.focus())}};var q=class extends oe{render(){let r=`section-${this.number}`;return l`<section id=${r} aria-labelledby="${r}-heading">
      <h2 id="${r}-heading"><span class="number">${this.number}</span> ${this.heading}</h2>
      ${this.body()}
    </section>`}};var tr=class extends F{constructor(){super(...arguments);this.name="";this.steps=[];this.at=0;this.#e=null}static{this.properties={name:{},steps:{attribute:!1},at:{state:!0}}}#e;createRenderRoot(){return this}connectedCallback(){super.connectedCallback(),this.#e=Ke.subscribe(e=>{e===this.steps[this.at]?.until&&(this.at+=1)})}disconnectedCallback(){super.disconnectedCallback(),this.#e?.()}render(){let{steps:e,at:n}=this,s=n>=e.length;return l`<aside class="tour" aria-label="Tour: ${this.name}">
      <p class="tour-head">
        <strong>${this.name}</strong>
        <span class="quiet">${s?"done":`step ${n+1} of ${e.length}`}</span>
        ${n>0?l`<button type="button" class="link" @click=${()=>this.at=0}>Start over</button>`:m}
      </p>
      <ol>
        ${e.map((o,i)=>i>n?m:l`<li class=${i<n?"done":"now"} aria-current=${i===n?"step":m}>
                ${i<n?l`<span class="tick" aria-label="done">✓</span> `:m}${o.say}
              </li>`)}
      </ol>
      <p class="quiet" role="status">${s?"That was the tour.":"It goes on once you have done this."}</p>
    </aside>`}};customElements.define("rung-tour",tr);var Y=(t,r)=>l`<rung-tour .name=${t} .steps=${r}></rung-tour>`;var Ro=[["follows","the token that followed the first time"],["even","any token, all about equally likely"],["common","a common word"]],nr=class extends C{constructor(){super(...arguments);this.name="s01-look";this.heading="Three steps, in one sequence";this.computation="steps.walk"}ask(){return{model:L(),length:12,seed:this.number("seed",7),at:4}}controls(){return l`<button type="button" @click=${()=>this.put({seed:this.number("seed",7)+1})}>Another sequence</button>
      <span class="quiet">seed ${this.number("seed",7)}</span>`}predict(){return l`<p>
        Twelve random tokens, then the same twelve again. No sentence, nothing to remember from training. At the fifth token
        of the second copy, what does the model expect next?
      </p>
      <fieldset>
        <legend class="sr">What does it expect?</legend>
        ${Ro.map(([e,n])=>l`<label><input type="radio" name="s01-guess" .checked=${this.prediction===e} @change=${()=>this.setPrediction(e)} /> ${n}</label> `)}
      </fieldset>`}see(e){let{clean:n,source:s,query:o}=e,i=c=>me(e.tokens[c]??""),a=Ro.find(([c])=>c===this.prediction);return l`<p>
        The query is ${i(o)} at position ${o}; it stood at ${s-1} before, followed by ${i(s)}. The model gives
        ${i(s)} a probability of <strong data-number="probability">${M(n.probability,1)}</strong>, a loss of
        ${P(n.loss)}. ${a?l`You expected ${a[1]}.`:l`<span class="quiet">You made no prediction.</span>`}
      </p>
      <rung-tokens .tokens=${e.tokens} .marks=${[{index:s-1,label:"A"},{index:s,label:"B",role:"copy"},{index:o,label:"A again",role:"match"}]} label="The sequence"></rung-tokens>
      <rung-flow label="Route, match and copy in this sequence" .nodes=${[{id:"a",label:`A at ${s-1}`,column:0},{id:"b",label:`B at ${s}`,column:1,role:"route",value:`${e.route} looks back ${M(n.route_attention)}`,fill:n.route_attention,key:`head:${e.route}`},{id:"q",label:`A at ${o}`,column:2,role:"match",value:`${e.match} finds B ${M(n.match_attention)}`,fill:n.match_attention,key:`head:${e.match}`},{id:"o",label:"says B",column:3,role:"copy",value:`${g(n.copy_logit,1)} logits, ${M(n.probability)}`,fill:n.probability}]} .edges=${[{from:"a",to:"b",role:"route",label:"route"},{from:"b",to:"q",role:"match",label:"match"},{from:"q",to:"o",role:"copy",label:"copy"}]}></rung-flow>
      <p class="quiet">
        ${e.route}: previous-token score ${g(e.route_signature)}; ${e.match}: induction score ${g(e.match_signature)}; a clue begins at
        ${g(e.clue)}.
      </p>`}question(){return"A picture of three arrows is before you. What in it would still be there if the model did something else?"}explain(e){return l`<p>
        The arrows are attention weights and a logit of one sequence. They say where ${x(`head:${e.route}`,`head ${e.route}`)} and
        ${x(`head:${e.match}`,`head ${e.match}`)} look, and what came out. They don’t say that the model needs these heads, nor that
        the one hears the other. A head may look at B and write nothing.
      </p>
      <p>That is why the page has fourteen sections and not one.</p>`}python(e){let n=s=>`(${s.replace(".",", ")})`;return`from rung import HookedTransformer
from rung.methods.steps import induction_steps
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("${e.model}")
task = repeated_tokens(model, period=${e.length}, sequences=1, seed=${e.seed})
print(induction_steps(model, task.tokens[0], ${n(this.answer?.route??"0.0")}, ${n(this.answer?.match??"1.0")}, task.second + ${e.at}))`}cli(e){return`rung heads ${e.model}`}pin(e){return{title:`${e.match} attends to what followed the earlier token`,rung:1,value:e.clean.match_attention,unit:"attention, one query",n:1,subject:e.match}}};customElements.define("rung-s01-look",nr);var rr=class extends q{constructor(){super(...arguments);this.number=1;this.heading="What this is"}body(){return l`<p>
        This page teaches two things at once. One is an algorithm that transformers find by themselves: when a token comes back,
        say what followed it the last time. The other is the small set of tools that show how a model does it, and how sure you
        may be.
      </p>
      <p>The algorithm has three steps.</p>
      <ul>
        <li>${Q("Route")}: a head writes into B’s place that A came before it.</li>
        <li>${V("Match")}: a later head, at the second A, finds the place that says so.</li>
        <li>${se("Copy")}: the same head carries B from there to the output.</li>
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
      ${Y("Your first run",[{say:l`Say what you expect the model to predict.`,until:"s01-look:predicted"},{say:l`Press <strong>Run</strong>.`,until:"s01-look:ran"},{say:l`Answer the question in a line of your own, or skip it.`,until:"s01-look:answered"}])}
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
`}};customElements.define("rung-section-01",rr);var sr=class extends q{constructor(){super(...arguments);this.number=2;this.heading="Concrete access"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-02",sr);var or=class extends q{constructor(){super(...arguments);this.number=3;this.heading="Direct path, attention path"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-03",or);var ir=class extends q{constructor(){super(...arguments);this.number=4;this.heading="The residual stream"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-04",ir);var ar=class extends q{constructor(){super(...arguments);this.number=5;this.heading="Skip-trigrams"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-05",ar);var B=()=>N.number("length",20),j=()=>N.number("seed",0),D=t=>t.low===null||t.high===null?{}:{low:t.low,high:t.high},So=t=>r=>{let e=r.target;e.value!==""&&e.reportValidity()&&N.set({[t]:e.value})},ee=()=>l`<label
    >Tokens in a copy <input type="range" min="4" max="60" .value=${String(B())} @change=${So("length")} />
    <output>${B()}</output></label
  >
  <label>Seed <input type="number" min="0" max="999999" .value=${String(j())} @change=${So("seed")} /></label>`,I=(t,r,e,n)=>l`<div class="choices" role="group" aria-label=${t}>
  ${r.map(([s,o])=>l`<button type="button" data-choice=${s} aria-pressed=${e===s?"true":"false"} @click=${()=>n(s)}>
        ${o}
      </button>`)}
</div>`,ne=(t,r,e,n,s=.1)=>l`<label
  >${t}
  <input
    type="range"
    min="0"
    max=${r}
    step=${s}
    .value=${String(e??0)}
    @change=${o=>n(Number(o.target.value))}
  />
  <output>${e===void 0?"?":String(e)}</output></label
>`;var ct=(t,r)=>r<t.second?"first copy":"second copy";var lr=class extends C{constructor(){super(...arguments);this.name="s06-board";this.heading="The board: one random text, twice";this.computation="board.loss";this.#e={key:"",found:null}}#e;ask(){return{model:L(),length:B(),seed:j(),sequences:16}}willUpdate(){let e={model:L(),length:B(),seed:j()},n=JSON.stringify(e);this.#e.key!==n&&(this.#e={key:n,found:null},Z("board.guess",e,{panel:"s06-guess"}).then(s=>{this.#e.key===n&&(this.#e={key:n,found:s},this.requestUpdate())},()=>{}))}#t(){return this.prediction??{}}predict(){let e=this.#t(),n=s=>this.setPrediction({...e,...s});return l`${this.#n(e,n)}
      <p>Then the loss of each copy, in nats. What do you expect?</p>
      <div class="controls">
        ${ne("First copy",12,e.first,s=>n({first:s}))}
        ${ne("Second copy",12,e.second,s=>n({second:s}))}
      </div>`}#n(e,n){let s=this.#e.found;if(!s)return l`<p class="quiet">Drawing a sequence…</p>`;let{sequence:o,query:i,answer:a}=s,c=[...o.texts.slice(0,i+1),"?"],u=e.guess!==void 0&&e.guess<=i?e.guess:null,d=u!==null&&o.texts[u]===o.texts[a];return l`<p>Play <strong>?</strong> first: which token comes next? Choose it where it stands already.</p>
      <rung-tokens
        label="The sequence so far"
        .tokens=${c}
        .selected=${u}
        .marks=${[{index:o.second,label:"second copy"},{index:i+1,label:"you"}]}
        @pick=${h=>h.detail.index<=i&&n({guess:h.detail.index})}
      ></rung-tokens>
      ${u===null?m:l`<p class="your-guess" role="status">
            ${me(o.texts[u])} is <strong>${d?"right":"wrong"}</strong>${d?"":l`: it is ${me(o.texts[a])}`}.
            Guessing blindly is right once in ${s.vocabulary} times; knowing which ${o.period} tokens there are, once in
            ${o.period}; finding the earlier ${me(o.texts[i])} and reading on, every time.
          </p>`}`}controls(){return ee()}see(e,n){let s=n==="now"?this.#t():{},{sequence:o}=e,i=E.from(e.by_position),a=this.#e.found?.query;return l`<rung-bars
        layout="columns"
        label="Loss of each token, mean over ${e.n} sequences"
        unit="nats"
        .tokens=${!0}
        .items=${Array.from(i.data,(c,u)=>({label:o.texts[u+1],value:c,group:ct(o,u+1),key:u+1===o.second?"s06:turn":`pos:${u+1}`}))}
        .rules=${[{at:e.ln_vocabulary,label:"ln V"},{at:e.ln_period,label:"ln n"}]}
      ></rung-bars>
      <rung-bars
        label="Mean loss of both copies"
        unit="nats"
        .items=${[{label:"first copy",value:e.first.value,...D(e.first),predicted:s.first},{label:"second copy",value:e.second.value,...D(e.second),predicted:s.second}]}
      ></rung-bars>
      <p class="facts">
        Gain <strong data-number="gain">${P(e.gain.value)}</strong>; the second copy’s tokens are right
        <strong data-number="accuracy">${M(e.accuracy)}</strong> of the time.
        ${n==="now"&&a!==void 0&&a<i.shape[0]?l`At your <strong>?</strong> the model gave the right token
              <strong data-number="yours">${M(Math.exp(-E.from(e.example).at(a)))}</strong>.`:m}
      </p>`}question(e){return`${P(e.first.value)} on the first copy, ${P(e.second.value)} on the second: what did the model have to find, and what did it not have to know?`}explain(e){let n=e.first.value-e.ln_vocabulary;return l`<p>
        <strong>A first reading, and why it fails:</strong> “the model has got used to these tokens.” Knowing which tokens
        are left, but not their order, cannot get below ln n for long. The order itself was read off.
      </p>
      <p>
        Memorised pairs cannot help: these pairs occur in no text. So the first copy costs about ln V =
        ${P(e.ln_vocabulary)}${n>.5?l`; here it is ${P(n)} more, for the model expects text and is confidently wrong`:""}.
      </p>
      <p>
        ${x("s06:turn","The second copy’s first token")} stays expensive. Nothing says that a repeat begins: only the
        tokens after it can be read off.
      </p>
      <p>This is rung 0, behaviour: there is something to explain. It says nothing of how the model does it.</p>`}python(e){return`from rung import HookedTransformer
from rung.methods.behaviour import loss_by_position
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("${e.model}")
task = repeated_tokens(model, period=${e.length}, sequences=${e.sequences}, seed=${e.seed})
board = loss_by_position(model, task)
board.first_copy_loss, board.second_copy_loss`}cli(e){return`rung board ${e.model} --period ${e.length} --sequences ${e.sequences} --seed ${e.seed}`}pin(e){let{gain:n}=e;return{test:"behaviour.gain",title:"Loss falls on the second copy",rung:0,value:n.value,unit:"nats",n:n.n,...D(n),floor:e.floor,holds:n.low!==null&&n.low>=e.floor,subject:"the model"}}};customElements.define("rung-s06-board",lr);function Ge(t,r){let e=t.at(-1)?.[r]??[],n=[0,0];return e.forEach((s,o)=>s.forEach((i,a)=>i>(e[n[0]]?.[n[1]]??-1)&&(n=[o,a]))),n}var wa=t=>t.filter((r,e)=>e>0&&r.stage!==t[e-1].stage).map(r=>t[t.indexOf(r)-1].step);function qo(t,r,e,n=null){let[s,o]=[Ge(t,"previous_token"),Ge(t,"induction")],i=u=>t.map(d=>[d.step,u(d)]),a=Math.max(...t.map(u=>Math.max(u.first,u.second)),1),c=u=>n===null?[]:[{label:`you: step ${n}`,points:[[n,0],[n,u]],predicted:!0}];return l`<rung-lines
      label="Loss during training"
      x="step"
      y="nats"
      height="200"
      .xDomain=${[0,r]}
      .cursor=${e}
      .series=${[{label:"first copy",points:i(u=>u.first),dashed:!0},{label:"second copy",points:i(u=>u.second)},...c(a)]}
    ></rung-lines>
    <rung-lines
      label="Head scores during training"
      x="step"
      y="attention"
      height="180"
      .domain=${[0,1]}
      .xDomain=${[0,r]}
      .cursor=${e}
      .series=${[{label:`${s.join(".")} previous token`,points:i(u=>u.previous_token[s[0]][s[1]]),role:"route"},{label:`${o.join(".")} induction`,points:i(u=>u.induction[o[0]][o[1]]),role:"match"},...c(1)]}
    ></rung-lines>`}var ur=class extends C{constructor(){super(...arguments);this.name="s06-phase";this.heading="The phase change";this.computation="training.checkpoint";this.#e=null}#e;connectedCallback(){super.connectedCallback(),Z("training.curve",{},{panel:"s06-shipped"}).then(e=>{this.#e=e.kept,this.requestUpdate()},()=>{})}#t(){return this.#e?.checkpoints??[this.number("step",500)]}ask(){return{step:this.number("step",500),length:Math.min(B(),31),draw:j()}}predict(){let e=this.prediction;return l`<p>
        The tiny model was kept at a dozen steps of its training. At which step, do you think, does the second copy’s loss fall?
      </p>
      <div class="controls">${ne("Step",this.#e?.steps??2500,e??void 0,n=>this.setPrediction(n),25)}</div>`}controls(){let e=this.#t(),n=Math.max(0,e.indexOf(this.ask().step));return l`<label
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
    >`}see(e,n){let{points:s,steps:o}=e.kept,i=E.from(e.patterns),[a,c]=[Ge(s,"previous_token"),Ge(s,"induction")].map(p=>e.heads.indexOf(p.join("."))),{texts:u,period:d}=e.sequence,h=(p,y,f,b,_)=>l`<div>
        <p class="caption">${x(`head:${e.heads[p]}`,e.heads[p])} ${b}: <strong>${g(_)}</strong></p>
        <rung-heatmap
          label="Attention of ${e.heads[p]} at step ${e.step}"
          .grid=${i.slice(p)}
          .rows=${u}
          .cols=${u}
          rowName="query"
          colName="key"
          .causal=${!0}
          .size=${260}
          .guides=${[{kind:"diagonal",offset:y,label:b,role:f}]}
        ></rung-heatmap>
      </div>`;return l`${n==="now"?qo(s,o,e.step,this.prediction):m}
      <p class="facts">
        Step <strong>${e.step}</strong>: first copy <strong data-number="first">${P(e.first)}</strong>, second copy
        <strong data-number="second">${P(e.second)}</strong>, in-context score
        <strong data-number="in-context">${R(e.in_context)}</strong> (second − first).
      </p>
      <rung-bars
        layout="columns"
        label="Loss of each token at step ${e.step}"
        unit="nats"
        .tokens=${!0}
        .domain=${[0,10]}
        .items=${Array.from(E.from(e.by_position).data,(p,y)=>({label:u[y+1],value:p,group:ct(e.sequence,y+1)}))}
        .rules=${[{at:e.ln_vocabulary,label:"ln V"}]}
      ></rung-bars>
      <div class="pair">
        ${h(a,-1,"route","previous token",e.previous_token[a])}
        ${h(c,1-d,"match","induction",e.induction[c])}
      </div>`}question(){return"Which came first: the falling loss, the previous-token score, or the induction score? Did you expect that order?"}explain(e){let{points:n,stages:s}=e.kept,[o,i]=[Ge(n,"previous_token"),Ge(n,"induction")],a=n.find(u=>u.induction[i[0]][i[1]]>=.5),c=a?.previous_token[o[0]][o[1]]??NaN;return l`<p>
        You may have expected ${Q("route")}, then ${V("match")}, then loss. The scores do not wait for one another: when ${i.join(".")} reaches one half, at
        step ${a?.step}, ${o.join(".")} looks one back with ${g(c)} of its attention. The second copy’s loss is halved at step
        ${n.find(u=>u.second<=u.first/2)?.step}. A blurred route already tells a match where to look; both then sharpen. Whether one causes the other no
        curve can say: the verdicts below can.
      </p>
      <p>
        Do not read more out of the sharp fall than is there. This recipe is a curriculum of ${s} stages; the next ones began at steps
        ${wa(n).join(" and ")}. And a score that rises with the loss is still a clue, not a cause.
      </p>`}python(e){return`from rung import HookedTransformer
from rung.methods.behaviour import loss_by_position
from rung.methods.patterns import head_scores
from rung.tasks.builtin import repeated_tokens
from rung.training import checkpoints

folder = checkpoints("two-layer-tiny")[${e.step}]
model = HookedTransformer.from_pretrained(str(folder))
task = repeated_tokens(model, period=${e.length}, sequences=16, seed=${e.draw})
loss_by_position(model, task).second_copy_loss, head_scores(model, task)["induction"]`}cli(){return"rung models two-layer-tiny"}};customElements.define("rung-s06-phase",ur);var cr=class extends C{constructor(){super(...arguments);this.name="s06-train";this.heading="Train it here";this.computation="training.train";this.live=!1;this.#e=null;this.#t=!1}#e;#t;ask(){return{seed:this.number("seed",0),take:this.number("take",0)}}connectedCallback(){super.connectedCallback(),this.#n()}async#n(){let e=this.ask();try{let n=await Z("training.curve",e,{panel:"s06-train-curve"});JSON.stringify(e)===JSON.stringify(this.ask())&&(this.#e=n)}catch{}this.requestUpdate()}async runNow(){if(this.#t)return;this.#t=!0;let e=window.setInterval(()=>{this.#n()},700);try{await super.runNow()}finally{window.clearInterval(e),this.#t=!1,await this.#n(),!this.#e?.kept.finished&&this.#e?.kept.points.length&&this.act("stopped")}}predict(){let e=this.#e?.shipped_seconds??[];return l`<p>
        The same model from random weights, on your machine: 102,400 weights, the recipe of the one that is shipped. When will the second copy’s
        loss fall this time, with another seed?
      </p>
      ${e.length?l`<p class="quiet">
            With three seeds its ${this.#e.kept.steps} steps took ${e.map(n=>`${n} s`).join(", ")} on one thread where the shipped model
            was made (its card says so). The page says below how fast yours is.
          </p>`:m}
      <div class="controls">
        ${ne("Step",this.#e?.kept.steps??2500,this.prediction??void 0,n=>this.setPrediction(n),25)}
      </div>`}controls(){let e=this.#e?.kept,n=e?.points.at(-1),s=n&&n.seconds>0?n.step/n.seconds:null;return l`<label
        >Seed
        <input
          type="number"
          min="0"
          max="999999"
          ?disabled=${this.#t}
          .value=${String(this.ask().seed)}
          @change=${o=>{this.put({seed:o.target.value,take:null}),this.#n()}}
      /></label>
      ${n&&!this.#t?l`<button
            type="button"
            data-act="afresh"
            @click=${()=>{this.put({take:(this.ask().take+1)%9}),this.#e=null,this.#n()}}
          >
            Begin again
          </button>`:m}
      ${n&&e?l`<div class="wide">
            ${qo(e.points,e.steps,null,this.prediction)}
            <p class="facts" data-step=${n.step}>
              Step <strong>${n.step}</strong> of ${e.steps}, stage ${n.stage+1} of ${e.stages}; second copy ${P(n.second)}.
              ${s===null||e.finished?m:l`${g(s,0)} steps a second: about ${g((e.steps-n.step)/s,0)} s to go.`}
              ${e.finished?l`Done: ${g(n.seconds,0)} s of training on this machine.`:this.#t?m:l`Stopped. <strong>Run</strong> goes on from here.`}
            </p>
          </div>`:m}`}see(e){let n=e.kept.points.at(-1);return l`<p class="facts">
      Trained: second copy <strong data-number="second">${P(n.second)}</strong> after ${e.kept.steps} steps in ${g(n.seconds,0)} s.
      ${e.kept.checkpoints.length} steps were kept: each can be proved below.
    </p>`}question(){return"Your run has another seed. What stayed the same about the order of events, and what moved?"}explain(){return l`<p>
      The recipe makes one head of each layer learn faster, so the roles fall to the same heads from every seed; no connection is set. The weights
      are others: what you may say of one run, you may say of another only after proving it there.
    </p>`}python(e){return`from pathlib import Path
from rung.training import RECIPES, train

train(RECIPES["two-layer-tiny"], Path("my-tiny"), seed=${e.seed}, progress=print)`}cli(e){return`rung train two-layer-tiny --out my-tiny --seed ${e.seed}`}};customElements.define("rung-s06-train",cr);var Eo=[0,300,400,450,500,550,600,700,1e3,2500],ka=["behaviour","clue","contribution","causal support","mechanism"],hr=class extends C{constructor(){super(...arguments);this.name="s06-rungs";this.heading="When each rung turns on";this.computation="training.rungs";this.live=!1;this.#e=null}#e;#t(){return this.value("of","shipped")==="here"}ask(){let e=this.value("step");if(!this.#t())return{steps:e?[Number(e)]:Eo,seed:null,take:0};let n={seed:N.number("s06-train.seed",0),take:N.number("s06-train.take",0)};return e?{steps:[Number(e)],...n}:this.#e===null?"Nothing was trained here yet: train it above, and stop where you like.":{steps:Eo.concat(this.#e.slice(-1)).filter((s,o,i)=>this.#e.includes(s)&&i.indexOf(s)===o),...n}}async runNow(){if(this.#t()){let e={seed:N.number("s06-train.seed",0),take:N.number("s06-train.take",0)},{kept:n}=await Z("training.curve",e,{panel:"s06-rungs-kept"});this.#e=n.checkpoints.length?n.checkpoints:null}await super.runNow()}predict(){return l`<p>The claim: an earlier head ${Q("routes")}, a later one ${V("matches")} and ${se("copies")}. Which rung will the shipped run’s step 700 reach?</p>
      ${I("Rung at step 700",ka.map(e=>[e,e]),this.prediction,e=>this.setPrediction(e))}`}controls(){return l`${I("Which run",[["shipped","the shipped run"],["here","the run trained here"]],this.#t()?"here":"shipped",e=>this.put({of:e}))}
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
      <div class="figure-table" tabindex="0" role="region" aria-label="Table"><table>
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
      </table></div>
      ${n&&this.prediction?l`<p class="facts">You said ${String(this.prediction)} at step 700; it is <strong>${n.name}</strong>.</p>`:m}`}question(){return"At some step the stripe is there and the verdict is not yet mechanism. What is still missing in the weights?"}explain(e){let n=e.reached.find(s=>s.rung>=1&&s.rung<4);return l`<p>
        A curve of scores would have stopped at the clue. The same claim, tested at each step on sequences that nobody picked, shows the rungs turn on one after another.
      </p>
      ${n?l`<p>
            At step ${n.step} the verdict is ${n.name}; ${n.stopped_by?l`<code>${n.stopped_by.join(" ")}</code> stopped it.`:""} The scores of that step alone would not have told you so.
          </p>`:m}`}python(e){return`from rung import HookedTransformer, prove
from rung.training import checkpoints

for step in ${JSON.stringify(e.steps).replace(/,/g,", ")}:
    folder = checkpoints(${e.seed===null?'"two-layer-tiny"':'"my-tiny"'})[step]
    proof = prove("induction", HookedTransformer.from_pretrained(str(folder)))
    print(step, proof.verdict.name)`}cli(e){return`rung prove induction --model ${e.seed===null?"src/rung/model/bundled/two-layer-tiny":"my-tiny"}/checkpoints/step-${String(e.steps.at(-1)).padStart(5,"0")}`}pin(e){let n=e.reached.at(-1);return!n||n.rung<0?null:{title:`${n.name} at step ${n.step}`,rung:n.rung,value:n.step,unit:"training steps"}}};customElements.define("rung-s06-rungs",hr);var dr=class extends q{constructor(){super(...arguments);this.number=6;this.heading="The board"}body(){return l`<p>
        You need a test that no memory can pass. Draw tokens at random, put BOS before them, and write the same tokens down once more:
        <code>A B … A ? → B</code>.
      </p>
      <p>
        No pair of these tokens was ever in a text, so the direct path knows nothing. Whoever predicts the second copy must
        have looked back at the first.
      </p>
      ${Y("The board",[{say:l`Guess the token at <strong>?</strong> in the first panel.`,until:"s06-board:predicted"},{say:l`Run it, and find ${x("s06:turn","the one bar of the second copy that stays high")}.`,until:"s06-board:ran"},{say:l`Run the phase change, and press <em>Keep beside</em>.`,until:"s06-phase:kept"},{say:l`Move the slider to a later step, and compare the two.`,until:"s06-phase:moved"},{say:l`Prove the kept steps in the last panel.`,until:"s06-rungs:ran"}])}
      <rung-s06-board></rung-s06-board>
      <p>
        Nobody told this model to look back. It came to do so during training, and within a few hundred steps. Move along them, and watch what
        turns on.
      </p>
      <rung-s06-phase></rung-s06-phase>
      <p>That was a run that somebody else made. Make one yourself: stop it anywhere, go on later, and prove it at any step.</p>
      <rung-s06-train></rung-s06-train>
      <rung-s06-rungs></rung-s06-rungs>`}};customElements.define("rung-section-06",dr);var Yt=t=>t.replace(/_/g," "),No={previous_token:"route",previous:"route",induction:"match"},xa={induction:"after the earlier match",previous:"one back",duplicate:"the earlier match itself",self:"itself (parking)",bos:"BOS (parking)",elsewhere:"elsewhere"},Aa=[["same","at the earlier A itself"],["after","at the token after the earlier A"],["before","at the token just before the query"],["bos","at BOS"]],pr=class extends C{constructor(){super(...arguments);this.name="s07-heads";this.heading="All heads, sorted";this.computation="signatures.heads"}ask(){return{model:L(),length:B(),seed:j(),sequences:16}}predict(){return l`<p>
        In <code>A B … A</code> the second A has to call for B. Where does an ${V("induction")} head look from there? Your line is drawn on the map.
      </p>
      ${I("Where an induction head looks",Aa,this.prediction,e=>this.setPrediction(e))}`}controls(){return l`${ee()}
      <label
        ><input
          type="checkbox"
          .checked=${this.value("weighted")==="1"}
          @change=${e=>{this.put({weighted:e.target.checked?"1":null}),this.act("weighted")}}
        />
        weight by value written</label
      >`}#e(e){let n=E.from(e.patterns),s=e.heads.map((a,c)=>n.slice(c));if(this.value("weighted")!=="1")return{grids:s,most:1};let o=E.from(e.written),i=s.map((a,c)=>new E(a.shape,a.data.map((u,d)=>u*o.at(c,d%a.shape[1]))));return{grids:i,most:Math.max(...i.map(a=>a.max()),1e-9)}}#t(e){let n=this.value("head");return Math.max(0,e.heads.findIndex(s=>s.head===(n||e.heads.find(o=>o.signature==="induction")?.head)))}see(e,n){let{texts:s,period:o,second:i}=e.sequence,{grids:a,most:c}=this.#e(e),u=c!==1,d=this.#t(e),h=e.heads[d],p={same:-o,after:1-o,before:-1}[String(this.prediction)],y=[{kind:"diagonal",offset:-1,label:"previous token: one below the diagonal",role:"route"},{kind:"diagonal",offset:1-o,label:"induction: after the earlier match",role:"match"},{kind:"row",offset:i,label:"the second copy begins"}];return n==="now"&&p!==void 0&&y.push({kind:"diagonal",offset:p,label:"your line"}),n==="now"&&this.prediction==="bos"&&y.push({kind:"column",offset:0,label:"your line"}),l`<rung-thumbs
        label="Heads, the highest signature first"
        .grids=${u?a.map(f=>new E(f.shape,f.data.map(b=>b/c))):a}
        .labels=${e.heads.map(f=>f.head)}
        .keys=${e.heads.map(f=>`head:${f.head}`)}
        .scores=${e.heads.map(f=>l`<span class="role ${No[f.label]??""}">${Yt(f.label)}</span> ${g(f.score)} / floor ${g(f.floor)}`)}
        .selected=${d}
        @pick=${f=>{let b=e.heads[f.detail.index].head;this.put({head:b}),A.set(`head:${b}`),this.act("picked")}}
      ></rung-thumbs>
      <p class="facts">
        ${x(`head:${h.head}`,h.head)}: <strong data-number="label">${Yt(h.label)}</strong>. ${h.label==="none fits"?"Nearest":""} ${Yt(h.signature)} score
        <strong data-number="score">${g(h.score)}</strong>${h.estimate.low===null||h.estimate.high===null?"":` ${le(h.estimate.low,h.estimate.high)}`},
        floor <strong data-number="floor">${g(h.floor)}</strong>${h.control===null?m:l`, on text without a repeat ${g(h.control)}`}.
      </p>
      <rung-heatmap
        label="${u?"What each key adds, in length":"Attention"} of head ${h.head}"
        .grid=${a[d]}
        .rows=${s}
        .cols=${s}
        rowName="query"
        colName="key"
        .causal=${!0}
        .domain=${[0,c]}
        .guides=${y}
        .focusKey=${(f,b)=>f-b===1?"s07:previous":f>=i&&f-b===o-1?"s07:induction":f>=i&&f-b===o?"s07:duplicate":`pos:${b}`}
        @cell=${f=>{let{row:b,col:_}=f.detail;b>=i&&_===b-o+1&&this.act("found-stripe")}}
      ></rung-heatmap>
      <rung-bars
        label="Where ${h.head} looks from the second copy"
        unit="share of its attention"
        .domain=${[0,1]}
        .items=${Object.entries(h.split).map(([f,b])=>({label:xa[f]??f,value:b,role:No[f],key:`s07:${f}`}))}
      ></rung-bars>`}question(){return"Where does the stripe lie, and why not one further left?"}explain(e){let{period:n}=e.sequence,s=e.heads.filter(i=>i.split.bos+i.split.self>=.3),o=e.heads.filter(i=>i.label==="none fits").length;return l`<p>
        The stripe lies ${n-1} below the diagonal, not ${n}. A head that looked at the earlier A would find A; B is what has to be carried, and B stands ${x("s07:induction","one later")}.
        Looking at the same token is a ${x("s07:duplicate","duplicate-token")} signature: another job.
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
weighted_patterns(model, task.tokens[:1]).weighted  # [batch, layer, head, query, key]`}cli(e){return`rung heads ${e.model} --period ${e.length} --sequences ${e.sequences} --seed ${e.seed}`}pin(e){let n=e.heads[this.#t(e)];return{test:"clue.signature",title:`${n.head}: ${Yt(n.signature)} score`,rung:1,value:n.score,unit:"attention",n:e.n,...D(n.estimate),...n.control===null?{}:{control:n.control},floor:n.floor,holds:n.score>=n.floor,subject:n.head}}};customElements.define("rung-s07-heads",pr);var Xt=()=>N.number("s07-quiz.pair",0),Qt=()=>N.get("s07-quiz.choice"),mr=class extends C{constructor(){super(...arguments);this.name="s07-quiz";this.heading="Which of these two is the decoy?";this.computation="signatures.quiz"}ask(){return{seed:Xt()}}predict(){return l`<p>Two heads of one model, wired by hand. One does induction; the other looks the same and writes nothing. Will the maps tell you which?</p>
      ${I("Will the maps tell?",[["yes","Yes"],["no","No"]],this.prediction,e=>this.setPrediction(e))}`}controls(){return l`<label
      >Pair
      <input
        type="number"
        min="0"
        max="999"
        .value=${String(Xt())}
        @change=${e=>this.put({pair:e.target.value,choice:null})}
    /></label>`}see(e){let n=E.from(e.patterns),{texts:s,period:o}=e.sequence;return l`<div class="pair">
        ${["A","B"].map((i,a)=>l`<div>
            <p class="caption"><strong>${i}</strong>: induction score ${g(e.induction[a],3)}, on text without a repeat ${g(e.control[a],3)}</p>
            <rung-heatmap
              label="Attention of head ${i}"
              .grid=${n.slice(a)}
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
      ${I("The decoy",[["A","A is the decoy"],["B","B is the decoy"]],Qt(),i=>{this.put({choice:i}),this.act("chose")})}
      ${Qt()?l`<p class="facts" role="status">You said ${Qt()}. Section 9 has the tool that tells; your answer waits there.</p>`:m}`}question(){return"What on these maps made you choose, and how sure are you?"}explain(){return l`<p>
      Nothing here can tell. A pattern is made by Q and K; what is written is made by V and O, and the map shows none of it. Two sections on,
      <a href="#decoy-answer">attribution</a> asks what each head adds to the right token.
    </p>`}python(e){return`from rung.methods.patterns import head_scores
from rung.planted.models import plant
from rung.tasks.builtin import repeated_tokens

planted = plant("passenger", ${e.seed})
head_scores(planted.model, repeated_tokens(planted.model, period=12, sequences=16, seed=${e.seed}))["induction"]`}cli(){return null}};customElements.define("rung-s07-quiz",mr);var fr=class extends F{constructor(){super(...arguments);this.found=null;this.problem="";this.#e=null}static{this.properties={found:{state:!0},problem:{state:!0}}}#e;createRenderRoot(){return this}connectedCallback(){super.connectedCallback(),this.id="decoy-answer",this.classList.add("panel"),this.#e=N.subscribe(()=>this.requestUpdate())}disconnectedCallback(){super.disconnectedCallback(),this.#e?.()}async#t(){let e=Xt();try{let n=await Z("signatures.solution",{seed:e},{panel:"decoy-answer"});this.problem="",this.found={pair:e,answer:n},Ke.tell("s07-quiz:solved")}catch(n){this.problem=n instanceof Error?n.message:String(n)}}render(){let e=this.found?.pair===Xt()?this.found.answer:null,n=Qt();return l`<div class="panel-body">
      <h3>The decoy of section 7</h3>
      <p>${n?l`You said that <strong>${n}</strong> is the decoy.`:l`You have not chosen yet: <a href="#s07-quiz">which of the two?</a>`}</p>
      <div class="run-row">
        <button type="button" class="primary" data-act="reveal" @click=${()=>{this.#t()}}>What does each add to the right token?</button>
      </div>
      ${this.problem?l`<p class="problem" role="alert">${this.problem}</p>`:m}
      ${e?l`<rung-bars
              label="Direct attribution to the right token's logit"
              unit=${e.unit}
              .signed=${!0}
              .items=${[...e.direct.map((s,o)=>({label:"AB"[o],value:s.value,...D(s)})),{label:"all parts",value:e.total.value,...D(e.total)}]}
            ></rung-bars>
            <p class="facts" role="status">
              The decoy is <strong data-number="decoy">${e.decoy}</strong>${n?n===e.decoy?": you were right, but the maps could not have told you.":": the maps misled you, as they were built to.":"."}
              It adds ${R(e.direct["AB".indexOf(e.decoy)].value,3)} of ${R(e.total.value)}.
            </p>`:m}
    </div>`}};customElements.define("rung-decoy-answer",fr);var gr=class extends q{constructor(){super(...arguments);this.number=7;this.heading="Signatures"}body(){return l`<p>Who looked back? Read the attention of every head on the board: a row is a query, a column is where it looks.</p>
      <p>
        Expect two signatures. A ${Q("previous-token")} head looks ${x("s07:previous","one below the diagonal")}, always. An
        ${V("induction")} head shows ${x("s07:induction","a stripe")} in the second copy, at the token <em>after</em> the earlier match.
      </p>
      ${Y("Reading signatures",[{say:l`Say where the stripe will lie, then run.`,until:"s07-heads:ran"},{say:l`Choose a head among the thumbnails.`,until:"s07-heads:picked"},{say:l`On an induction head’s map, go to a query of the second copy and press <kbd>m</kbd> or click: find the stripe.`,until:"s07-heads:found-stripe"},{say:l`Weight by value written. What fades?`,until:"s07-heads:weighted"},{say:l`Name the decoy.`,until:"s07-quiz:chose"}])}
      <rung-s07-heads></rung-s07-heads>
      <p>Now be careful. Two heads can draw the same map, and only one of them need be of any use.</p>
      <rung-s07-quiz></rung-s07-quiz>`}};customElements.define("rung-section-07",gr);var Co=[["zero","zero"],["mean","mean"],["resample","resample"],["patch","patch"]],Po={z:"one head",attn_out:"attention out",mlp_out:"MLP out",resid_pre:"residual before",resid_post:"residual after"},ht=t=>`${t.layer}.${t.site==="z"?t.head:t.site}:${t.put}${t.positions?`@${t.positions.join(",")}`:""}`;function Ta(t){let r=/^(\d+)\.(\d+|[a-z_]+):(zero|mean|resample|patch)(?:@(\d+(?:,\d+)*))?$/.exec(t);if(!r)return null;let[,e,n,s,o]=r,i=/^\d+$/.test(n)?Number(n):null;return i===null&&!(n in Po)?null:{layer:Number(e),site:i===null?n:"z",head:i,put:s,positions:o?o.split(",").map(Number):null}}var $r=class extends C{constructor(){super(...arguments);this.name="s08-edit";this.heading="Cache, hook, measure";this.computation="measure.edit"}#e(){return this.value("moves").split(";").map(Ta).filter(e=>e!==null)}ask(){let e=this.value("query");return{model:L(),length:B(),seed:j(),sequences:8,moves:this.#e(),query:e?Number(e):null,show:this.value("show")||null}}describe(e){return`${e.model} · ${e.moves.length?e.moves.map(ht).join(" + "):"clean"}`}predict(){return l`<p>You are about to take one head away. By how many nats will the second copy’s loss rise?</p>
      <div class="controls">${ne("Rise",12,this.prediction??void 0,e=>this.setPrediction(e))}</div>`}#t(){let e=this.value("site","z"),n=this.value("at").split(/[\s,]+/).filter(s=>/^\d+$/.test(s)).map(Number);return{layer:this.number("layer",1),site:e,head:e==="z"?this.number("head",0):null,put:this.value("put","mean"),positions:n.length?n:null}}#n(e,n){this.put({moves:e.length?e.map(ht).join(";"):null}),this.act(n),this.runNow()}controls(){let{answer:e}=this,n=this.#e(),s=this.#t(),o=(a,c,u)=>l`<select data-key=${a} @change=${d=>this.put({[a]:d.target.value})}>
        ${c.map(([d,h])=>l`<option value=${d} ?selected=${String(d)===String(u)}>${h}</option>`)}
      </select>`,i=a=>Array.from({length:a},(c,u)=>[u,String(u)]);return l`<ol class="rail">
      <li><strong>Cache</strong> a clean run of <span class="controls">${ee()}</span></li>
      <li>
        <strong>Hook</strong>
        <span class="controls">
          <label>Where ${o("site",Object.entries(Po).filter(([a])=>a!=="mlp_out"||(e?.mlps??!0)),s.site)}</label>
          <label>Layer ${o("layer",i(e?.layers??2),s.layer)}</label>
          ${s.site==="z"?l`<label>Head ${o("head",i(e?.heads??4),s.head??0)}</label>`:m}
          <label>Put ${o("put",Co,s.put)}</label>
          <label
            >Positions
            <input type="text" inputmode="numeric" size="8" placeholder="all" .value=${this.value("at")} @change=${a=>this.put({at:a.target.value||null})}
          /></label>
          <button type="button" data-act="ablate" @click=${()=>this.#n([...n,this.#t()],"hooked")}>Hook it</button>
          <button type="button" data-act="undo" ?disabled=${!n.length} @click=${()=>this.#n(n.slice(0,-1),"undone")}>Undo</button>
        </span>
        ${n.length?l`<ul class="moves">
              ${n.map((a,c)=>l`<li>
                    <code>${e?.hooks[c]??ht(a)}</code>${a.head===null?"":` head ${a.head}`} ← ${a.put}${a.positions?` at ${a.positions.join(", ")}`:""}
                    <button type="button" class="link" aria-label="Take off ${ht(a)}" @click=${()=>this.#n(n.filter((u,d)=>d!==c),"undone")}>take off</button>
                  </li>`)}
            </ul>`:l`<p class="quiet">Nothing is hooked: both runs are the clean one.</p>`}
      </li>
      <li><strong>Measure</strong> what changed.</li>
    </ol>`}see(e,n){let{clean:s,edited:o,sequence:i,query:a}=e,[c,u]=[E.from(s.by_position).data,E.from(o.by_position).data],d=Math.max(...c,...u,e.ln_vocabulary),h=(f,b)=>l`<p class="caption">${b}</p>
        <rung-bars
          layout="columns"
          label="Loss of each token, ${b}"
          unit="nats"
          .tokens=${!0}
          .domain=${[0,d]}
          .items=${Array.from(f,(_,w)=>({label:i.texts[w+1],value:_,group:ct(i,w+1),key:`pos:${w+1}`}))}
          .rules=${[{at:e.ln_vocabulary,label:"ln V"}]}
          @pick=${_=>this.put({query:_.detail.index})}
        ></rung-bars>`,p=(f,b)=>f.pattern===null?m:l`<div>
            <p class="caption">${x(`head:${e.show}`,e.show)} ${b}</p>
            <rung-heatmap
              label="Attention of ${e.show}, ${b}"
              .grid=${E.from(f.pattern)}
              .rows=${i.texts}
              .cols=${i.texts}
              rowName="query"
              colName="key"
              .causal=${!0}
              .size=${260}
              .guides=${[{kind:"diagonal",offset:1-i.period,label:"after the earlier match",role:"match"}]}
            ></rung-heatmap>
          </div>`,y=Array.from({length:e.layers*e.heads},(f,b)=>`${Math.floor(b/e.heads)}.${b%e.heads}`);return l`<rung-bars
        label="Loss of the second copy"
        unit="nats"
        .items=${[{label:"clean",value:s.second.value,...D(s.second)},{label:"hooked",value:o.second.value,...D(o.second),predicted:n==="now"&&typeof this.prediction=="number"?s.second.value+this.prediction:null}]}
      ></rung-bars>
      <p class="facts">
        Change <strong data-number="change">${R(e.change.value)}</strong> nats over ${e.n} sequences. At position ${x(`pos:${a}`,a)} the target is ${me(e.target)}: logit
        <strong data-number="logit-before">${g(s.logit)}</strong> → <strong data-number="logit-after">${g(o.logit)}</strong> over the mean, probability
        <strong data-number="p-before">${M(s.probability)}</strong> → <strong data-number="p-after">${M(o.probability)}</strong>; the model says ${me(o.top)}.
      </p>
      ${h(c,"clean")} ${h(u,"hooked")}
      <p class="quiet">Choose a bar to make the token there the target.</p>
      <label
        >Attention of head
        <select data-key="show" @change=${f=>this.put({show:f.target.value})}>
          ${y.map(f=>l`<option value=${f} ?selected=${f===e.show}>${f}</option>`)}
        </select></label
      >
      <div class="pair">${p(s,"clean")} ${p(o,"hooked")}</div>`}question(e){return e.moves.length?"What changed where you hooked, and what changed later although you did not touch it?":"This is the clean run. Which head would you take away first, and what would show that you were right?"}explain(e){return l`<p>
        <strong>Cache before you hook:</strong> without the clean number there is nothing to compare with, and without its attention you could not see that
        ${x("head:1.0","a later head")} lost its stripe because ${x("head:0.0","an earlier one")} fell silent.
      </p>
      <p>
        ${e.change.value>=1?"The loss rose a great deal: on this task the model relies on what you took. That is causal support, not yet an account of what it is used for.":"The loss hardly moved. That does not say that the place is idle: another may do the same work. The last panel shows it."}
      </p>
      <div class="figure-table" tabindex="0" role="region" aria-label="Table"><table>
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
      </table></div>`}python(e){let n={zero:"Zero()",mean:"Mean(others)",resample:"Resample(others, seed=task.seed)",patch:"Patch(unrepeated_tokens(model, task).tokens)"},s=o=>`    Intervention(("${o.site}", ${o.layer}), ${n[o.put]}, ${o.head??"None"}, ${o.positions?`(${o.positions.join(", ")},)`:"None"}),`;return`from rung import HookedTransformer
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
measure(model, task.tokens, moves, next_token_loss(task.predictable)).change.mean()`}cli(e){let n=e.moves.filter(o=>o.site==="z"&&!o.positions),[s]=new Set(e.moves.map(o=>o.put));return!n.length||n.length<e.moves.length||s==="patch"||n.some(o=>o.put!==s)?null:`rung ablate ${e.model} --heads ${n.map(o=>`${o.layer}.${o.head}`).join(",")} --by ${s} --period ${e.length} --sequences ${e.sequences} --seed ${e.seed}`}pin(e,n){if(!n.moves.length)return null;let{change:s}=e,o=n.moves.map(ht).join(" + ");return{title:`Loss with ${o}`,rung:3,value:s.value,unit:"nats",n:s.n,...D(s),subject:o}}};customElements.define("rung-s08-edit",$r);var vr=class extends C{constructor(){super(...arguments);this.name="s08-sweep";this.heading="Every head, one at a time";this.computation="measure.sweep";this.live=!1}ask(){return{model:L(),length:B(),seed:j(),sequences:16,put:this.value("put","mean")}}predict(){return l`<p>Which heads does the prediction need? Write those that you expect on top.</p>
      <label
        >Heads
        <input
          type="text"
          size="12"
          placeholder="1.0, …"
          .value=${(this.prediction??[]).join(", ")}
          @change=${e=>this.setPrediction(e.target.value.match(/\d+\.\d+/g)??[])}
      /></label>`}controls(){return I("Replace by",Co.filter(([e])=>e!=="patch"),this.ask().put,e=>this.put({put:e}))}see(e,n){let s=n==="now"?this.prediction??[]:[];return l`<rung-bars
        label="Change of the second copy's loss without each head"
        unit=${e.unit}
        .signed=${!0}
        .items=${e.heads.map((o,i)=>({label:o,value:e.change[i].value,...D(e.change[i]),key:`head:${o}`,...s.includes(o)?{note:"you named it"}:{}}))}
      ></rung-bars>
      <p class="quiet">Replaced by: ${e.put}. Clean loss ${P(e.clean.value)}, ${e.n} sequences.</p>`}question(e){return`${e.change.filter(s=>s.value>=1).length} of ${e.heads.length} heads cost a nat or more. Are these the heads that carry a signature?`}explain(e){return l`<p>
        Most bars are short. ${x(`head:${e.heads[0]}`,e.heads[0])} costs most. A sweep is a table of single cuts: it finds what the model cannot do without, one piece at a time.
      </p>
      <p><strong>It is blind to cover.</strong> Where two heads can do the same work, each alone looks idle. Go on to the next panel.</p>`}python(e){let n={zero:"Zero()",mean:"Mean(others)",resample:`Resample(others, seed=${e.seed})`};return`from rung import HookedTransformer
from rung.methods.grids import ablate_each_head
from rung.methods.interventions import Mean, Resample, Zero
from rung.tasks.builtin import repeated_tokens
from rung.tasks.metrics import next_token_loss

model = HookedTransformer.from_pretrained("${e.model}")
task = repeated_tokens(model, period=${e.length}, sequences=${e.sequences}, seed=${e.seed})
others = repeated_tokens(model, period=${e.length}, sequences=${e.sequences}, seed=${e.seed+1}).tokens
ablate_each_head(model, task, next_token_loss(task.predictable), ${n[e.put]}).mean_change`}cli(e){return`rung ablate ${e.model} --by ${e.put} --period ${e.length} --sequences ${e.sequences} --seed ${e.seed}`}pin(e){let n=e.change[0];return{test:"support.necessity",title:`Loss without ${e.heads[0]}`,rung:3,value:n.value,unit:"nats",n:n.n,...D(n),subject:e.heads[0]}}};customElements.define("rung-s08-sweep",vr);var br=["1.0","1.1","1.2","1.3"],yr={zero:"zero",mean:"mean",resample:"resample, 8 donors averaged","one donor":"resample, one donor"},wr=class extends C{constructor(){super(...arguments);this.name="s08-lie";this.heading="Silenced, or lied?";this.computation="measure.lie"}#e(){return this.value("heads","1.0,1.1").split(",").filter(e=>br.includes(e))}ask(){let e=this.#e();return e.length?{length:B(),seed:j(),heads:e}:"Choose at least one head to take away."}predict(){return l`<p>In <code>two-layer-redundant</code> all four heads of layer 1 do induction. Take two away. Which way hurts most?</p>
      ${I("The way that hurts most",Object.entries(yr),this.prediction,e=>this.setPrediction(e))}`}controls(){let e=this.#e();return l`<div class="choices" role="group" aria-label="Heads taken away together">
      ${br.map(n=>l`<button
            type="button"
            data-head=${n}
            aria-pressed=${e.includes(n)?"true":"false"}
            @click=${()=>{this.put({heads:br.filter(s=>e.includes(s)!==(s===n)).join(",")||"none"}),this.act("chose")}}
          >
            ${n}
          </button>`)}
    </div>`}see(e,n){return l`<rung-bars
        label="Change of the second copy's loss, by the way the heads are taken away"
        unit="nats"
        .signed=${!0}
        .items=${e.ways.map(s=>({label:yr[s.put]??s.put,value:s.change.value,...D(s.change),...n==="now"&&this.prediction===s.put?{note:"your choice"}:{}}))}
      ></rung-bars>
      <div class="figure-table" tabindex="0" role="region" aria-label="Table"><table>
        <caption>
          ${e.heads.join(", ")} together, second copy, ${e.n} sequences
        </caption>
        <thead>
          <tr><th scope="col">Put</th><th scope="col">right token’s logit</th><th scope="col">best wrong token’s</th><th scope="col">says the donor’s token</th><th scope="col">right</th></tr>
        </thead>
        <tbody>
          ${e.ways.map(s=>l`<tr data-way=${s.put}>
              <th scope="row">${yr[s.put]??s.put}</th>
              <td>${R(s.right.value)}</td>
              <td>${R(s.rival.value)}</td>
              <td data-number="named">${M(s.named.value)}</td>
              <td>${M(s.accuracy)}</td>
            </tr>`)}
        </tbody>
      </table></div>
      <rung-bars
        label="Mean ablation of each head alone"
        unit="nats, each alone (mean)"
        .signed=${!0}
        .items=${e.alone.map(s=>({label:s.head,value:s.change.value,...D(s.change),key:`head:${s.head}`}))}
      ></rung-bars>`}question(e){let[n,s]=["zero","one donor"].map(o=>e.ways.find(i=>i.put===o).change.value);return`Zero costs ${P(n)}, one donor ${P(s)}. The right token lost the same in both: where does the rest come from?`}explain(e){let n=o=>e.ways.find(i=>i.put===o),s=e.alone.reduce((o,i)=>o+i.change.value,0);return l`<p>
        Zero and mean <strong>silence</strong> a head: the right token loses its push. One donor makes it <strong>lie</strong>: it pushes the donor’s next token with full
        strength, and the model says that token ${M(n("one donor").named.value)} of the time (zero: ${M(n("zero").named.value)}). Averaging the logits of eight donors thins the lie out.
      </p>
      <p>
        So a large number under resampling with few donors need not mean that a head matters more; ask whether right fell or wrong rose. And the ladder counts a role as needed only
        where mean and resample agree.
      </p>
      <p>
        <strong>Cover.</strong> ${e.alone.length>1?l`Alone, these heads cost ${P(s)} in sum; together ${P(n("mean").change.value)}.`:"Alone, this head costs little."} The others
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
(found.edited.rival - found.clean.rival)[:, task.predictable].mean()`}cli(e){return`rung ablate two-layer-redundant --heads ${e.heads.join(",")} --by mean --period ${e.length} --sequences 16 --seed ${e.seed}`}pin(e){let{change:n}=e.ways.find(o=>o.put==="mean"),s=e.heads.join(", ");return{title:`Loss of two-layer-redundant without ${s}`,rung:3,value:n.value,unit:"nats",n:n.n,...D(n),subject:s}}};customElements.define("rung-s08-lie",wr);var kr=class extends q{constructor(){super(...arguments);this.number=8;this.heading="Cache, hook, measure"}body(){return l`<p>
        Looking is not enough: you have to reach in. The loop is short. Keep a clean run; put something else at one
        hook; measure what the model then says.
      </p>
      ${Y("The loop",[{say:l`Run once with nothing hooked: that is your cache.`,until:"s08-edit:ran"},{say:l`Say how much a head is worth, then press <em>Hook it</em>.`,until:"s08-edit:hooked"},{say:l`Undo it. The clean numbers are back.`,until:"s08-edit:undone"},{say:l`Sweep every head.`,until:"s08-sweep:ran"},{say:l`Take several heads of the covering model away at once.`,until:"s08-lie:chose"}])}
      <rung-s08-edit></rung-s08-edit>
      <rung-s08-sweep></rung-s08-sweep>
      <p>Two questions remain. Did you silence the head, or make it lie? And if nothing happened, who took over?</p>
      <rung-s08-lie></rung-s08-lie>`}};customElements.define("rung-section-08",kr);var Ho=()=>({model:L(),length:B(),sequences:16,seed:j()}),Zt=t=>t.low===null||t.high===null?{}:{low:t.low,high:t.high},dt=t=>t.low===null||t.high===null?"":` ${le(t.low,t.high)}`,$e=t=>/^\d+\.\d+$/.test(t),ye=t=>$e(t)?`head:${t}`:`s09:${t}`,be=(t,r)=>t.reduce((e,n)=>r(n)>r(e)?n:e),jo=t=>`from rung import HookedTransformer
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("${t.model}")
task = repeated_tokens(model, period=${t.length}, sequences=${t.sequences}, seed=${t.seed})`,xr=class extends C{constructor(){super(...arguments);this.name="s09-heads";this.heading="Who pushes the right token?";this.computation="attribution.heads"}ask(){return Ho()}predict(){return l`<p>The second copy calls for B. B’s logit stands above the mean of the copy’s other tokens. How much of that comes from the one strongest part of the model?</p>
      ${ne("Share, in %",100,this.prediction??void 0,e=>this.setPrediction(e),5)}`}controls(){return ee()}see(e,n){let s=be(e.bars,i=>i.value),o=n==="now"&&typeof this.prediction=="number"?this.prediction/100*e.total.value:void 0;return l`<rung-bars
        label="Direct attribution to the right token’s logit"
        unit="logit: B minus the mean of the copy’s other tokens"
        .signed=${!0}
        .items=${[...e.bars.map(i=>({label:i.label,value:i.value,...Zt(i),key:ye(i.label),role:i===s&&$e(i.label)?"copy":void 0,predicted:i===s?o:void 0})),{label:"sum",value:e.total.value,...Zt(e.total),key:"s09:total"}]}
      ></rung-bars>
      <p class="facts">
        Strongest: ${x(ye(s.label),s.label)}, <strong data-number="best">${R(s.value)}</strong>${dt(s)} of
        <strong data-number="total">${R(e.total.value)}</strong>: <strong data-number="share">${M(s.value/e.total.value)}</strong>. The parts miss the model’s number by
        <strong data-number="residual">${g(e.residual)}</strong> at most, which is rounding. ${e.n} sequences × ${e.queries} queries; each bound is missed with probability
        ${g(e.alpha)} at most.
      </p>`}question(e){return e.bars.filter(s=>$e(s.label)&&s.label.startsWith("0.")).length?"The heads of layer 0 push almost nothing. Are they idle?":"What would a negative bar mean?"}explain(e){let n=be(e.bars,s=>s.value);return l`<p>
        The residual stream is a sum, and the unembedding reads it linearly once the last norm’s scale is taken as it was. So the logit is a sum too, with a bar for each writer. Nothing was edited: this
        is bookkeeping of one run.
      </p>
      <p>
        ${x(ye(n.label),n.label)} writes B where the logits are read. But the books name who wrote <em>last</em>. What an earlier head did for a later one is booked to the later one, so a short
        bar here is no verdict. Under ${M(e.floor)} of the strongest counts as weak. The panel after next asks whether the weak ones can be spared.
      </p>`}python(e){return`${jo(e)}

from rung.methods.attribution import attribute_logits

found = attribute_logits(model, task.tokens, task.targets, task.others, task.queries)
dict(zip(found.labels, found.values.mean((1, 2)).tolist()))
found.residual.abs().max()  # the parts sum to the logit`}cli(){return null}pin(e){let n=e.bars.filter(c=>$e(c.label)),s=be(e.bars,c=>c.value),o=n.length?be(n,c=>c.value):s,i=n.filter(c=>c!==o),a=e.floor*s.value;return{test:"contribution.direct",title:`${o.label}: direct logit attribution`,rung:2,value:o.value,unit:"logits",n:e.n,...Zt(o),...i.length?{control:be(i,c=>c.value).value}:{},floor:a,holds:o.low!==null&&o.low>Math.max(a,0),subject:o.label}}};customElements.define("rung-s09-heads",xr);var Oo="the man went to the house and the",Ma=[["direct","the last token’s own embedding"],["early","a head of layer 0"],["late","a head of a later layer"]],Ar=class extends C{constructor(){super(...arguments);this.name="s09-contrast";this.heading="A against B, in a text";this.computation="attribution.contrast"}ask(){let[e,n,s]=[this.value("text",Oo),this.value("a"," man"),this.value("b"," house")];return e.trim()?{model:L(),text:e,target:n,other:s}:"Type a text."}predict(){return l`<p>Type a text and two next tokens, each with its space. What decides between them most?</p>
      ${I("What decides",Ma,this.prediction,e=>this.setPrediction(e))}`}controls(){let e=(n,s,o,i)=>l`<label
      >${s}
      <input type="text" size=${i} .value=${this.value(n,o)} @change=${a=>this.put({[n]:a.target.value})}
    /></label>`;return l`${e("text","Text",Oo,32)} ${e("a","A"," man",8)} ${e("b","B"," house",8)}`}see(e,n){let s=o=>o==="embed"?"direct":o.startsWith("0.")&&$e(o)?"early":$e(o)?"late":"";return l`<rung-bars
        label="Logit of A minus logit of B, by component"
        unit="logit of ${U(e.target)} minus logit of ${U(e.other)}"
        .signed=${!0}
        .items=${[...e.parts.map(o=>({...o,key:ye(o.label),note:n==="now"&&this.prediction===s(o.label)?"you said here":void 0})),{label:"sum",value:e.total,key:"s09:total"}]}
      ></rung-bars>
      <p class="facts">
        The model gives A <strong data-number="a">${g(e.logits[0])}</strong> and B <strong data-number="b">${g(e.logits[1])}</strong>: a difference of
        <strong data-number="difference">${R(e.total)}</strong>; the parts miss it by ${g(Math.abs(e.residual))}. Its own favourite is <code class="token">${U(e.best)}</code>.
      </p>`}question(){return"Which bar favours B, and does it know the text or only the last token?"}explain(e){let n=be(e.parts,s=>Math.abs(s.value));return l`<p>
      ${x(ye(n.label),n.label)} decides most: ${R(n.value)}. <code>embed</code> knows only the last token, so its bar is a habit; a head’s bar may come from any token before.
      A difference of two logits drops what lifts all tokens alike, which is why A is always held against something.
    </p>`}python(e){return`import torch
from rung import HookedTransformer
from rung.methods.attribution import attribute_logits

model = HookedTransformer.from_pretrained("${e.model}")
tokens = model.to_tokens(${JSON.stringify(e.text)})
a, b = (model.to_single_token(text) for text in (${JSON.stringify(e.target)}, ${JSON.stringify(e.other)}))
attribute_logits(model, tokens, torch.tensor([[a]]), torch.tensor([[[b]]]), [tokens.shape[1] - 1])`}cli(e){return`rung attribute ${e.model} --text ${en(e.text)} --answer ${en(e.target)} --other ${en(e.other)}`}};customElements.define("rung-s09-contrast",Ar);var en=t=>`'${t.replace(/'/g,"'\\''")}'`,Tr=class extends C{constructor(){super(...arguments);this.name="s09-agree";this.heading="Does ablation pick out the same heads?";this.computation="attribution.agreement";this.live=!1}ask(){return Ho()}predict(){return l`<p>Now each head is taken away, by mean and by resample. Will the heads that cost most be those with the long bars above?</p>
      ${I("Same heads?",[["same","The same heads"],["fewer","Fewer: some bars are for show"],["more","More: some needed heads have no bar"]],this.prediction,e=>this.setPrediction(e))}`}controls(){return ee()}#e(e){let n=Math.max(...e.rows.map(a=>a.direct.value)),s=a=>a.mean.low!==null&&a.resample.low!==null&&Math.min(a.mean.low,a.resample.low)>e.needed*e.gain,o=a=>a.direct.value<e.weak*n,i=e.rows.filter(s);return{needed:i,hidden:i.filter(o),idle:e.rows.filter(a=>!s(a)&&!o(a))}}#t(e,n){let s=e.links.filter(o=>o.sender===n);return s.length?be(s,o=>o.change.value):void 0}see(e,n){let{needed:s,hidden:o,idle:i}=this.#e(e),a=o.length?"more":i.length?"fewer":"same";return l`<div class="table-scroll" tabindex="0" role="region" aria-label="Agreement table">
        <table data-table="agreement">
          <thead>
            <tr><th scope="col">head</th><th scope="col">direct push, logits</th><th scope="col">mean ablation, nats</th><th scope="col">resample, nats</th><th scope="col">highest signature</th></tr>
          </thead>
          <tbody>
            ${e.rows.map(c=>l`<tr class=${A.current===`head:${c.head}`?"lit":""}>
                <th scope="row">${x(`head:${c.head}`,c.head)}</th>
                <td data-number="direct-${c.head}">${R(c.direct.value)}<span class="quiet">${dt(c.direct)}</span></td>
                <td data-number="mean-${c.head}">${R(c.mean.value)}<span class="quiet">${dt(c.mean)}</span></td>
                <td>${R(c.resample.value)}<span class="quiet">${dt(c.resample)}</span></td>
                <td>${c.signature.replace(/_/g," ")} ${g(c.score)}</td>
              </tr>`)}
          </tbody>
        </table>
      </div>
      <p class="facts">
        Needed by both ablations (over ${M(e.needed)} of the gain of ${P(e.gain)}): <strong data-number="needed">${s.map(c=>c.head).join(", ")||"none"}</strong>. Of these,
        without a bar of their own: <strong data-number="hidden">${o.map(c=>c.head).join(", ")||"none"}</strong>. Correlation of the two columns over heads: ${g(e.correlation)}.
        ${n==="now"&&this.prediction?this.prediction===a?"As you said.":"Not what you said.":""}
      </p>
      ${o.map(c=>{let u=this.#t(e,c.head);if(!u)return m;let d=e.rows.find(h=>h.head===u.receiver);return l`<rung-flow
          label="What ${c.head} does for ${u.receiver}"
          .nodes=${[{id:"a",label:c.head,role:"route",value:`push ${R(c.direct.value)}`,key:`head:${c.head}`,column:0},{id:"b",label:u.receiver,role:"match",value:`push ${R(d.direct.value)}`,key:`head:${u.receiver}`,column:1},{id:"c",label:"B’s logit",column:2}]}
          .edges=${[{from:"a",to:"b",label:`into ${u.into}`,value:P(u.change.value,1),role:"route",weight:1,key:`edge:${u.sender}>${u.receiver}.${u.into}`},{from:"b",to:"c",role:"copy",weight:1,value:R(d.direct.value,1),key:"role:copy"}]}
        ></rung-flow>`})}`}question(e){let{hidden:n}=this.#e(e);return n.length?`${n[0].head} pushes nothing and is needed. How can that be?`:"Where do the two columns part, and which would you believe?"}explain(e){let{hidden:n}=this.#e(e);return l`${n.map(s=>{let o=this.#t(e,s.head);return o?l`<p>
              ${x(`head:${s.head}`,s.head)} writes for another head, not for the logits. ${x(`edge:${o.sender}>${o.receiver}.${o.into}`,"Path patching")} shows it: give
              ${o.receiver}’s ${o.into} alone what ${s.head} writes in another sequence, keep everything else, and the loss rises by
              <strong data-number="link">${P(o.change.value)}</strong>${dt(o.change)}. The push is booked to ${o.receiver}; the work was shared.
            </p>`:m})}
      <p>
        So neither column replaces the other. Attribution asks who wrote the answer, ablation asks who can be spared, a signature asks who looks where. A head that all three name is worth a proof; where they
        differ, the difference is the finding. This table goes on in section 12.
      </p>`}python(e){return`${jo(e)}

from rung.methods.grids import ablate_each_head
from rung.methods.interventions import Mean
from rung.methods.paths import patch_all_senders
from rung.tasks.metrics import next_token_loss

donors = repeated_tokens(model, period=${e.length}, sequences=64, seed=${e.seed+1}).tokens
loss = next_token_loss(task.predictable)
ablate_each_head(model, task, loss, Mean(donors)).mean_change
patch_all_senders(model, task.tokens, donors[:${e.sequences}], ((1, 0), "K"), loss).change.mean(1)`}cli(e){return`rung ablate ${e.model} --by resample --period ${e.length} --sequences ${e.sequences} --seed ${e.seed}`}pin(e){let{needed:n,hidden:s}=this.#e(e),o=s[0]??n[0];if(!o)return null;let i=o.mean.value<o.resample.value?o.mean:o.resample,a=e.rows.filter(u=>!n.includes(u)).map(u=>u.mean.value),c=e.needed*e.gain;return{test:"support.necessity",title:`${o.head}: cost of ablation`,rung:3,value:i.value,unit:"nats",n:e.n,...Zt(i),...a.length?{control:Math.max(...a)}:{},floor:c,holds:i.low!==null&&i.low>c,subject:o.head}}};customElements.define("rung-s09-agree",Tr);var Mr=class extends C{constructor(){super(...arguments);this.name="s09-why";this.heading="Why here?";this.computation="attribution.why"}ask(){let e=/^(\d+)\.(\d+)$/.exec(this.value("head","1.0"));if(!e)return"Name a head as layer.head, such as 1.0.";let n=this.value("text"),s=B(),o=Math.min(6,s-2),[i,a]=n.trim()?[-1,0]:[1+s+o,2+o];return{model:L(),layer:Number(e[1]),head:Number(e[2]),query:this.number("query",i),key:this.number("key",a),text:n,length:s,seed:j()}}predict(){return l`<p>Take the head whose stripe you saw, and one cell of it. What at the source made the score high?</p>
      ${I("What at the source",[["embed","the source token itself"],["head","what an earlier head wrote there"],["pos","its position"]],this.prediction,e=>this.setPrediction(e))}`}controls(){let e={query:null,key:null};return l`${ee()}
      <label>Head <input type="text" size="5" .value=${this.value("head","1.0")} @change=${n=>this.put({head:n.target.value.trim()})} /></label>
      <label
        >Text, in place of the repeats
        <input type="text" size="24" .value=${this.value("text")} @change=${n=>this.put({...e,text:n.target.value||null})}
      /></label>`}see(e,n){let s=E.from(e.values),o=e.key_parts.map((c,u)=>({label:c,value:e.query_parts.reduce((d,h,p)=>d+s.at(p,u),0)})),i=be(o,c=>c.value),a=$e(i.label)?"head":i.label==="embed"?"embed":"pos";return l`<p>Choose a cell: row the query, column the source.</p>
      <rung-heatmap
        label="Attention of head ${e.head}"
        .grid=${E.from(e.pattern)}
        .rows=${e.tokens}
        .cols=${e.tokens}
        rowName="query"
        colName="source"
        .causal=${!0}
        .marks=${[{row:e.query,col:e.key,label:"this score"}]}
        .focusKey=${(c,u)=>`pos:${u}`}
        @cell=${c=>{n!=="now"||c.detail.col>c.detail.row||(this.put({query:c.detail.row,key:c.detail.col}),this.act("cell"))}}
      ></rung-heatmap>
      <p class="facts">
        Query ${e.query} <code class="token">${U(e.tokens[e.query])}</code> gives source ${e.key} <code class="token">${U(e.tokens[e.key])}</code>
        <strong data-number="attention">${M(e.attention)}</strong> of its attention: score <strong data-number="score">${R(e.score)}</strong>, where the mean over all it sees is
        ${R(e.mean_score)}${e.before_cap?" (before the cap)":""}.
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
        .focusKey=${(c,u)=>ye(e.key_parts[u])}
      ></rung-heatmap>
      <rung-bars
        label="The score by what wrote into the key"
        unit="attention score"
        .signed=${!0}
        .items=${[...o.map(c=>({...c,key:ye(c.label),note:n==="now"&&this.prediction===($e(c.label)?"head":c.label==="embed"?"embed":"pos")?"you said here":void 0})),...e.alibi?[{label:"slope",value:e.alibi}]:[],{label:"sum",value:e.score}]}
      ></rung-bars>
      <p class="facts">
        Largest: <strong data-number="part">${i.label}</strong>, <strong data-number="part-value">${R(i.value)}</strong>. The parts miss the score by ${g(Math.abs(e.residual))}.
        ${n==="now"&&this.prediction?this.prediction===a?"As you said.":"Not what you said.":""}
      </p>`}question(){return"Which pair carries the score, and what does each side of it know?"}explain(e){let n=E.from(e.values),s=e.query_parts.flatMap((i,a)=>e.key_parts.map((c,u)=>({q:i,k:c,value:n.at(a,u)}))),o=be(s,i=>i.value);return l`<p>
        ${x(ye(o.q),o.q)} in the query with ${x(ye(o.k),o.k)} in the key: ${R(o.value)} of ${R(e.score)}.
        ${$e(o.k)?l`The source’s own token says little. What makes it match is a note that ${o.k} left there, one layer earlier.`:"No earlier head is needed for this cell. Try one on the stripe."}
      </p>
      <p>Only a score above the mean moves attention: what raises all sources alike, softmax does not see. And a large part is a clue to why, not proof that the head needs it.</p>`}python(e){let n=e.text.trim()?`tokens = model.to_tokens(${JSON.stringify(e.text)})`:`tokens = repeated_tokens(model, period=${e.length}, sequences=1, seed=${e.seed}).tokens`;return`from rung import HookedTransformer
from rung.methods.scores import why_attend
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("${e.model}")
${n}
why_attend(model, tokens, (${e.layer}, ${e.head}), ${e.query}, ${e.key}).ranked(5)`}cli(e){let n=e.text.trim()?en(e.text):"'TEXT'";return`rung why-attend ${e.model} ${e.layer}.${e.head} ${e.query} ${e.key} --text ${n}`}};customElements.define("rung-s09-why",Mr);var _r=class extends q{constructor(){super(...arguments);this.number=9;this.heading="Attribution"}body(){return l`<p>
        A stripe shows where a head looks. The next question is what it <em>adds</em>. The stream is a sum, so a logit can be split among those who wrote it: signed bars that add up to the whole.
      </p>
      <p>
        That is <strong>contribution</strong>, rung 2. It tells a head that writes the answer from one that only looks. It does not tell whether the model would miss it.
      </p>
      ${Y("Follow the push",[{say:l`Guess the share, and run <em>Who pushes the right token?</em>`,until:"s09-heads:ran"},{say:l`Now take every head away: run the agreement table.`,until:"s09-agree:ran"},{say:l`Write how a head without a bar can be needed, or skip.`,until:"s09-agree:answered"},{say:l`Ask <em>Why here?</em> of one cell of the map.`,until:"s09-why:cell"}])}
      <rung-s09-heads></rung-s09-heads>
      <rung-s09-contrast></rung-s09-contrast>
      <rung-s09-agree></rung-s09-agree>
      <p>A head attends because of a score, and a score is a sum as well: over pairs of what wrote into the query and what wrote into the key.</p>
      <rung-s09-why></rung-s09-why>
      <rung-decoy-answer></rung-decoy-answer>`}};customElements.define("rung-section-09",_r);var tn=t=>{let r=/^(\d+)\.(\d+)$/.exec(t.trim());return r?[Number(r[1]),Number(r[2])]:null},Lo=["route","match","copy"],zo=(t,r)=>t!==null&&t.ablate.some(e=>e.join(".")===r),Sr=class extends C{constructor(){super(...arguments);this.name="s10-steps";this.heading="Three steps, one sequence";this.computation="steps.walk";this.#s=e=>{if(e.target.closest("rung-flow button, input"))return;let n={ArrowRight:1,ArrowLeft:-1}[e.key];n!==void 0&&(e.preventDefault(),this.#n(this.#t()+n))}}#e(){return this.value("off").split(",").filter(e=>tn(e)!==null)}ask(){let e=B(),n=Math.min(Math.max(Math.round(this.number("at",6)),0),e-2);return{model:L(),length:e,seed:j(),at:n,route:tn(this.value("route")),match:tn(this.value("match")),ablate:this.#e().map(s=>tn(s))}}describe(e){return`${e.model} · query ${e.at} of the copy · ${e.ablate.length?`without ${e.ablate.map(n=>n.join(".")).join(", ")}`:"clean"}`}predict(){return l`<p>Three arrows carry B: ${Q()}, ${V()}, ${se()}. You will take the ${Q("route")} head away. Which arrows break?</p>
      ${I("Which arrows break",[["route","only the first"],["route,match,copy","all three"],["copy","only the last"]],this.prediction,e=>this.setPrediction(e))}`}controls(){let e=(n,s,o)=>l`<label
      >${s} <input type="text" size="5" data-key=${n} placeholder=${o??"found"} .value=${this.value(n)} @change=${i=>this.put({[n]:i.target.value.trim()||null})}
    /></label>`;return l`${ee()} ${e("route","Route head",this.answer?.route)} ${e("match","Match head",this.answer?.match)}`}#t(){return Math.min(Math.max(Math.round(this.number("step",1)),1),3)}#n(e){let n=Math.min(Math.max(e,1),3);this.put({step:n}),A.set(`role:${Lo[n-1]}`),this.act(`step-${n}`),this.requestUpdate()}#r(e){let n=this.#e(),s=n.includes(e)?n.filter(o=>o!==e):[...n,e];this.put({off:s.length?s.join(","):null}),s.length>n.length&&this.act("ablated")}see(e,n){let{tokens:s,query:o,source:i,clean:a,broken:c}=e,u=e.edited??a,d=n==="now"?this.#t():3,h=b=>U(s[b]),p=n==="now"?this.answered:this.besideAsk,y=[{from:"a",to:"b",label:e.route,value:R(u.route_score,1),role:"route",key:"role:route",weight:Rr(u.route_score/Math.abs(a.route_score||1))},{from:"b",to:"q",label:e.match,value:M(u.match_attention),role:"match",key:"role:match",weight:Rr(u.match_attention)},{from:"q",to:"o",label:e.match,value:R(u.copy_logit,1),role:"copy",key:"role:copy",weight:Rr(u.copy_logit/Math.abs(a.copy_logit||1))}].map((b,_)=>({...b,broken:c.includes(Lo[_])})),f=[l`${Q("Route.")} At B, head ${x(`head:${e.route}`,e.route)} gives the token before it <strong data-number="route-attention">${M(u.route_attention)}</strong> of its
        attention, and writes what it found into B’s place. In the keys of ${e.match} that note is worth <strong data-number="route-score">${R(u.route_score)}</strong> of score.
        ${zo(p,e.route)?l`<em>It is ablated: it still looks, and what it writes is the mean of other sequences.</em>`:m}`,l`${V("Match.")} At the second A, head ${x(`head:${e.match}`,e.match)} asks “who follows an A?”. B’s score stands
        <strong data-number="match-score">${R(u.match_score)}</strong> above the others’ mean, and B gets <strong data-number="match-attention">${M(u.match_attention)}</strong> of its attention.`,l`${se("Copy.")} The OV of ${x(`head:${e.match}`,e.match)} turns B into B: <strong data-number="copy-logit">${R(u.copy_logit)}</strong> of the
        <strong data-number="logit">${R(u.logit)}</strong> by which B’s logit stands above the sequence’s other tokens. p(B) = <strong data-number="probability">${g(u.probability,3)}</strong>.`];return l`<rung-tokens
        label="The sequence; choose a query in the second copy"
        .tokens=${s}
        .selected=${o}
        .marks=${[{index:i-1,role:"route",label:"A"},{index:i,role:"copy",label:"B"},{index:o,role:"match",label:"A again"}]}
        @pick=${b=>{let _=b.detail.index-e.start-e.period;n==="now"&&_>=0&&_<e.period-1&&this.put({at:_})}}
      ></rung-tokens>
      <div class="stepper" role="group" aria-label="Steps; arrow keys move" tabindex="0" @keydown=${n==="now"?this.#s:m}>
        <rung-flow
          label="Route, match, copy at query ${o}"
          .nodes=${[{id:"a",label:`A = ${h(i-1)}`,value:`position ${i-1}`,role:"route",column:0,key:`pos:${i-1}`},{id:"b",label:`B = ${h(i)}`,value:`position ${i}`,role:"copy",column:1,key:`pos:${i}`},{id:"q",label:"A again",value:`position ${o}`,role:"match",column:2,key:`pos:${o}`},{id:"o",label:`next: ${h(i)}?`,value:`p = ${g(u.probability,3)}`,role:"copy",column:3,fill:u.probability}]}
          .edges=${y.slice(0,d)}
        ></rung-flow>
        ${n==="now"?l`<p class="run-row">
              <button type="button" data-act="back" ?disabled=${d===1} @click=${()=>this.#n(d-1)}>← Back</button>
              <span>step <strong data-number="step">${d}</strong> of 3</span>
              <button type="button" data-act="next" ?disabled=${d===3} @click=${()=>this.#n(d+1)}>Next →</button>
            </p>`:m}
        ${f.slice(0,d).map(b=>l`<p>${b}</p>`)}
      </div>
      <p class="facts" role="status">
        ${e.edited?l`Without ${p?.ablate.map(b=>b.join(".")).join(", ")}: broken <strong data-number="broken">${c.join(", ")||"none"}</strong> (below ${M(e.broken_below)} of the clean value).
              Loss ${P(a.loss)} → <strong data-number="loss">${P(u.loss)}</strong>.
              ${n==="now"&&this.prediction&&zo(p,e.route)?this.prediction===c.join(",")?"As you said.":"Not what you said.":""}`:l`All three stand. Loss at this query <strong data-number="loss">${g(a.loss,4)}</strong> nats.`}
      </p>
      ${e.route_signature<e.clue||e.match_signature<e.clue?l`<p>${e.route} has a previous-token score of ${g(e.route_signature)} and ${e.match} an induction score of ${g(e.match_signature)}; a clue starts at ${g(e.clue)}. These are not the heads for this job.</p>`:m}
      ${n==="now"?l`<div class="choices" role="group" aria-label="Ablate a head">
            <span>Ablate</span>
            ${e.heads.map(b=>l`<button type="button" data-ablate=${b} aria-pressed=${this.#e().includes(b)?"true":"false"} @click=${()=>this.#r(b)}>${b}</button>`)}
          </div>`:m}`}#s;question(e){return e.edited?"One head is gone. Why do more arrows break than it has?":`Why does ${e.match} not need to read the first A itself?`}explain(e){return l`<p>
        ${x("role:route","Route")} comes first: before ${e.match} runs, B’s place already holds the note “A came before me”. ${x("role:match","Match")} is then an ordinary look-up: the query says
        A, the key says A. ${x("role:copy","Copy")} takes from that place what B itself is.
      </p>
      <p>
        Ablate ${e.route} and all three arrows break, the later ones for want of the first. Ablate ${e.match} and only the last breaks: the note is there and the look is right, and nothing is carried.
        An arrow here is one run on one sequence. Section 12 asks it of many.
      </p>
      <table>
        <caption class="sr">A misreading, and the repair</caption>
        <thead><tr><th scope="col">Misreading</th><th scope="col">Better</th></tr></thead>
        <tbody>
          <tr><td>The induction head looks back twice: to A, then one further.</td><td>It looks once. An <em>earlier</em> layer had moved A’s name to B’s place.</td></tr>
          <tr><td>Two heads side by side share the work.</td><td>One layer moves the feature, a <em>later</em> layer uses it. Side by side, neither can wait for the other.</td></tr>
        </tbody>
      </table>`}python(e){let{answer:n}=this,s=(i,a)=>`(${(i??a.split(".")).join(", ")})`,o=e.ablate.map(i=>`on_head((${i.join(", ")}), Mean(donors))`).join(", ");return`from rung import HookedTransformer
from rung.methods.interventions import Mean, on_head
from rung.methods.steps import induction_steps
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("${e.model}")
task = repeated_tokens(model, period=${e.length}, sequences=1, seed=${e.seed})
donors = repeated_tokens(model, period=${e.length}, sequences=32, seed=${e.seed+1}).tokens
route, match = ${s(e.route,n?.route??"0.0")}, ${s(e.match,n?.match??"1.0")}
clean = induction_steps(model, task.tokens[0], route, match, task.second + ${e.at})
edited = induction_steps(model, task.tokens[0], route, match, task.second + ${e.at}, [${o}])
edited.broken(clean)`}cli(){return null}pin(e){let n=e.edited;return n?{title:`Without ${this.#e().join(", ")}: loss at one query`,rung:3,value:n.loss-e.clean.loss,unit:"nats",n:1,subject:this.#e().join(", ")}:{title:`${e.route} → ${e.match}: score by the note`,rung:2,value:e.clean.route_score,unit:"attention score",n:1,subject:`${e.route} → ${e.match}`}}};customElements.define("rung-s10-steps",Sr);var Rr=t=>Math.min(Math.max(t,0),1),Er=class extends C{constructor(){super(...arguments);this.name="s10-reach";this.heading="Who can wait for whom?";this.computation="steps.reach";this.live=!1}ask(){return{model:L(),length:B(),seed:j()}}predict(){return l`<p>Take one head away; does another head <em>of the same layer</em> look elsewhere now?</p>
      ${I("Same layer",[["yes","Yes, a little"],["no","No, not by one bit"]],this.prediction,e=>this.setPrediction(e))}`}controls(){return ee()}#e(e){let n=E.from(e.change),[s,o,i]=[0,0,""];return e.heads.forEach((a,c)=>e.heads.forEach((u,d)=>{let h=n.at(c,d);Math.floor(d/e.n_heads)<=Math.floor(c/e.n_heads)?s=Math.max(s,h):h>o&&([o,i]=[h,`${a} → ${u}`])})),{same:s,later:o,pair:i}}see(e,n){let{same:s,later:o,pair:i}=this.#e(e);return l`<rung-heatmap
        label="Largest change of an attention weight"
        .grid=${E.from(e.change)}
        .rows=${e.heads}
        .cols=${e.heads}
        rowName="without"
        colName="reader"
        .size=${320}
        .guides=${[{kind:"row",offset:e.n_heads,label:"next layer"},{kind:"column",offset:e.n_heads,label:"next layer"}]}
        .focusKey=${a=>`head:${e.heads[a]}`}
      ></rung-heatmap>
      <p class="facts">
        Within a layer, or backwards: <strong data-number="same">${s===0?"exactly 0":g(s,6)}</strong>. To a later layer: up to <strong data-number="later">${g(o)}</strong>${i?` (${i})`:""}.
        ${n==="now"&&this.prediction?this.prediction==="no"==(s===0)?"As you said.":"Not what you said.":""}
      </p>
      ${e.refused?l`<p class="caption">The library refuses such an edge: “${e.refused}.”</p>`:m}`}question(){return"Why is a whole block of this map zero to the last bit?"}explain(){return l`<p>
      All heads of a layer read the stream as it was before that layer. What a head writes is added afterwards, so its neighbours cannot have read it: no training changes that. That is why induction needs two
      layers, ${x("role:route","route")} in the earlier and ${x("role:match","match")} in the later. In a model of one layer the whole map is zero.
    </p>`}python(e){return`from rung import HookedTransformer
from rung.methods.steps import pattern_reach
from rung.tasks.builtin import repeated_tokens

model = HookedTransformer.from_pretrained("${e.model}")
tokens = repeated_tokens(model, period=${e.length}, sequences=1, seed=${e.seed}).tokens
donors = repeated_tokens(model, period=${e.length}, sequences=32, seed=${e.seed+1}).tokens
pattern_reach(model, tokens, donors).change  # [ablated, reader]`}cli(){return null}};customElements.define("rung-s10-reach",Er);var qr=class extends q{constructor(){super(...arguments);this.number=10;this.heading="Route, match, copy"}body(){return l`<p>
        You have met two heads by their maps, their pushes and their price. Now watch them work together on <code>A B … A</code>: ${x("role:route","route")} puts A’s name at B,
        ${x("role:match","match")} finds it from the second A, ${x("role:copy","copy")} says B.
      </p>
      ${Y("Break an arrow",[{say:l`Say what will break, and run.`,until:"s10-steps:ran"},{say:l`Step to the end: the arrow keys work inside the figure.`,until:"s10-steps:step-3"},{say:l`Ablate the route head.`,until:"s10-steps:ablated"},{say:l`See who can reach whom at all.`,until:"s10-reach:ran"}])}
      <rung-s10-steps></rung-s10-steps>
      <p>Why two layers? Try it: name a route head and a match head of one layer above, and read what the library says. Then look at all pairs.</p>
      <rung-s10-reach></rung-s10-reach>`}};customElements.define("rung-section-10",qr);var Io=t=>{let r=/^(\d+)\.(\d+)$/.exec(t.trim());return r?[Number(r[1]),Number(r[2])]:null},Bo=t=>t.low===t.high?`all ${t.n}`:`${t.n} of them, ${le(t.low,t.high)}`,Wo=t=>`${g(t/2**20,1)} MiB`,nn=(t,r)=>t.reduce((e,n)=>r(n)>r(e)?n:e),Nr=class extends C{constructor(){super(...arguments);this.name="s11-tiles";this.heading="QK and OV, token by token";this.computation="weights.tiles"}ask(){let e=Io(this.value("head","1.0"));return e?{model:L(),layer:e[0],head:e[1],sender:e[0]>0?Io(this.value("sender","0.0")):null,size:this.number("size",16),seed:j()}:"Name a head as layer.head, such as 1.0."}predict(){return l`<p>No input now: only weights. For how many tokens of the vocabulary does attending to the token raise <em>that token’s own</em> logit most? Say it for the ${se("copy")} head.</p>
      ${ne("Share, in %",100,this.prediction??void 0,e=>this.setPrediction(e),1)}`}controls(){let e=(n,s,o)=>l`<label
      >${s} <input type="text" size="5" data-key=${n} .value=${this.value(n,o)} @change=${i=>{this.put({[n]:i.target.value.trim()}),this.act("chose")}}
    /></label>`;return l`${e("head","Head","1.0")} ${e("sender","Its keys are written by","0.0")}
      <label>Tokens <input type="range" min="4" max="32" .value=${String(this.number("size",16))} @change=${n=>this.put({size:n.target.value})} /><output>${this.number("size",16)}</output></label>
      <label>Seed <input type="number" min="0" max="999999" .value=${String(j())} @change=${n=>N.set({seed:n.target.value})} /></label>`}#e(e,n,s,o,i){return l`<div>
      <p class="caption"><strong>${s}</strong></p>
      <rung-heatmap label=${n.what} .grid=${E.from(n.values)} .rows=${e.tokens} .cols=${e.tokens} rowName=${i[0]} colName=${i[1]} scale="signed" .size=${260} .digits=${1}></rung-heatmap>
      <p class="caption">
        Diagonal on top, here: ${M(n.sample.value)} of ${n.sample.n}. In the vocabulary: <strong data-number=${o}>${M(n.whole.value,1)}</strong> of ${Bo(n.whole)}; mean rank
        ${g(n.mean_rank,1)}.
      </p>
    </div>`}see(e,n){let s=["read","raised"],o=["key","query"],i=n==="now"&&typeof this.prediction=="number"?this.prediction:null;return l`<h4>${se("OV")}: what is carried</h4>
      <div class="pair">
        ${this.#e(e,e.ov.right,`${e.head}: W_V W_O`,"ov",s)} ${this.#e(e,e.ov.wrong,"the wrong reading: transposed","ov-wrong",s)}
      </div>
      ${i===null?m:l`<p class="facts">You said ${i} %; all tokens say ${M(e.ov.right.whole.value,1)}.</p>`}
      <h4>${V("QK")}: where to look</h4>
      <div class="pair">
        ${e.composed?l`${this.#e(e,e.composed.right,`${e.sender} → ${e.head}: keys as ${e.sender} writes them`,"composed",o)}
            ${this.#e(e,e.composed.wrong,"the wrong reading: transposed","composed-wrong",o)}`:m}
        ${this.#e(e,e.qk.right,`${e.head} on bare embeddings`,"qk",o)}
      </div>
      ${e.positions?l`<h4>${Q("Positions")}: by place alone</h4>
            <rung-heatmap label="Score of query position against key position, ${e.head}" .grid=${E.from(e.positions.values)} rowName="query" colName="key" scale="signed" .causal=${!0} .size=${220} .digits=${1}
              .domain=${_a(E.from(e.positions.values))} .guides=${[{kind:"diagonal",offset:-1,label:"one back",role:"route"}]}></rung-heatmap>
            <p class="caption">${e.head} prefers the position before for <strong data-number="one-back">${M(e.positions.share,1)}</strong> of ${e.positions.n} queries, with ${M(e.positions.attention)} of the attention on average.</p>`:l`<p class="caption">No positional map: ${e.no_positions}.</p>`}`}question(){return"The two OV maps are the same numbers multiplied in another order. What told you which is right?"}explain(e){let{composed:n}=e;return l`<p>
        Rows are read, columns written: a token <code>x</code> goes through <code>x W_V W_O W_U</code>. Transposed, the shapes still fit and nothing warns; the diagonal falls from
        ${M(e.ov.right.whole.value,1)} to ${M(e.ov.wrong.whole.value,1)}. And a few tokens flatter: to be the largest of ${e.tokens.length} is easier than of ${e.vocabulary}.
      </p>
      ${n?l`<p>
            On bare embeddings the QK of ${x(`head:${e.head}`,e.head)} matches a token with itself for ${M(e.qk.right.whole.value,1)}: it does not read tokens at its keys. Put in what
            ${x(`head:${e.sender}`,e.sender)} writes there, and it is ${M(n.right.whole.value,1)}. QK tells where to look and OV what is carried; neither tells the other.
          </p>`:m}
      <p>
        Products stay factored: one map of all tokens would take ${Wo(e.dense_bytes)}, its two factors take ${Wo(e.factored_bytes)}. Weights say what a head is built to do, not that a
        run uses it.
      </p>`}python(e){let n=e.sender?`
tile(model, head, "composed QK", tokens, sender=(${e.sender.join(", ")})).whole.share`:"";return`import torch
from rung import HookedTransformer
from rung.circuits.tiles import tile, transposed_tile

model = HookedTransformer.from_pretrained("${e.model}")
head, tokens = (${e.layer}, ${e.head}), torch.arange(100, ${100+e.size})
tile(model, head, "OV", tokens).whole.share
transposed_tile(model, head, "OV", tokens).whole.share  # the wrong reading${n}`}cli(e){return`rung weights ${e.model} --kind ov --heads ${e.layer}.${e.head}
rung weights ${e.model} --kind qk --heads ${e.layer}.${e.head}`}pin(e){let{whole:n}=e.ov.right;return{test:"mechanism.ov",title:`${e.head}: OV copying, top-1`,rung:4,value:n.value,unit:"of tokens",n:n.n,low:n.low,high:n.high,control:e.ov.wrong.whole.value,floor:e.floor,holds:n.low>=e.floor,subject:e.head}}};customElements.define("rung-s11-tiles",Nr);function _a(t){let r=Math.max(...Array.from(t.data,e=>Number.isNaN(e)?0:Math.abs(e)))||1;return[-r,r]}var Cr=class extends C{constructor(){super(...arguments);this.name="s11-copying";this.heading="Two scores for copying";this.computation="weights.heads";this.live=!1}ask(){return{model:L(),seed:j()}}predict(){return l`<p>A known score takes the eigenvalues of the whole OV circuit: 1 if all are positive, which is read as “this head copies”. How many heads of this model will score above 0.8?</p>
      ${ne("Heads",16,this.prediction??void 0,e=>this.setPrediction(e),1)}`}see(e,n){let s=e.rows.filter(a=>a.eigenvalues>=e.floor),o=e.rows.filter(a=>a.copying.low>=e.floor),i=[{at:e.floor,label:"floor"}];return l`<p class="caption"><strong>The score that misleads:</strong> eigenvalues, Σ Re λ / Σ |λ|</p>
      <rung-bars label="Eigenvalue copying score" unit="−1 to 1" .domain=${[Math.min(0,...e.rows.map(a=>a.eigenvalues)),1]} .rules=${i} .items=${e.rows.map(a=>({label:a.head,value:a.eigenvalues,key:`head:${a.head}`}))}></rung-bars>
      <p class="caption"><strong>The one that decides:</strong> tokens whose own logit is raised most</p>
      <rung-bars label="OV copying, top-1" unit="of ${e.rows[0]?.copying.n??0} tokens" .domain=${[0,1]} .rules=${i} .digits=${3}
        .items=${e.rows.map(a=>({label:a.head,value:a.copying.value,key:`head:${a.head}`,role:o.includes(a)?"copy":void 0,note:`mean rank ${g(a.mean_rank,1)}`}))}></rung-bars>
      <p class="facts">
        Above ${g(e.floor)}: <strong data-number="eigen">${s.length}</strong> of ${e.rows.length} by eigenvalues, <strong data-number="copies">${o.length}</strong> by top-1
        (${o.map(a=>a.head).join(", ")||"none"}). ${n==="now"&&typeof this.prediction=="number"?`You said ${this.prediction}.`:""}
      </p>`}question(){return"How can every eigenvalue be positive, and the head copy nothing?"}explain(e){let n=e.rows.filter(s=>s.eigenvalues>=e.floor&&s.copying.low<e.floor);return l`<p>
        A positive eigenvalue says that a direction comes out as it went in. It does not say that <em>this token’s</em> logit rises above all others: a head may lift a whole family of words, the frequent ones
        first. ${n.length} head${n.length===1?"":"s"} here pass${n.length===1?"es":""} the one test and fail${n.length===1?"s":""} the other.
      </p>
      <p>So the eigenvalue score describes and decides nothing. The rank of the token’s own logit, over the whole vocabulary, decides.</p>`}python(e){return`from rung import HookedTransformer
from rung.circuits.heads import eigenvalue_copying, sampled_copying

model = HookedTransformer.from_pretrained("${e.model}")
for layer in range(model.config.n_layers):
    for head in range(model.config.n_heads):
        eigenvalue_copying(model, (layer, head)), sampled_copying(model, (layer, head), None).share`}cli(e){return`rung weights ${e.model} --kind ov`}pin(e){let n=nn(e.rows,u=>u.copying.value),s=e.rows.filter(u=>u!==n).map(u=>u.copying.value),{value:o,low:i,high:a,n:c}=n.copying;return{test:"mechanism.ov",title:`${n.head}: OV copying, top-1`,rung:4,value:o,unit:"of tokens",n:c,low:i,high:a,...s.length?{control:Math.max(...s)}:{},floor:e.floor,holds:i>=e.floor,subject:n.head}}};customElements.define("rung-s11-copying",Cr);var Pr=class extends C{constructor(){super(...arguments);this.name="s11-pairs";this.heading="Who reads whom?";this.computation="weights.pairs";this.live=!1}ask(){return{model:L(),seed:j()}}predict(){return l`<p>A composition score says how much of what one head writes another can read. Will the pair with the largest score be the pair that does the job?</p>
      ${I("Largest score",[["yes","Yes"],["no","No"]],this.prediction,e=>this.setPrediction(e))}`}controls(){return I("Into",[["Q","into Q"],["K","into K"],["V","into V"]],this.value("into","K"),e=>{this.put({into:e}),this.requestUpdate()})}see(e,n){let{heads:s,n_heads:o}=e,i=this.value("into","K"),a=E.from(e.scores).slice(Math.max(e.into.indexOf(i),0)),[c,u]=[s.slice(0,-o),s.slice(o)],d=v=>E.of([c.length,u.length],c.flatMap((T,H)=>u.map((z,re)=>v(H,re)))),h=new Map(e.pairs.map(v=>[`${v.sender}>${v.receiver}`,v.match.value])),p=d((v,T)=>Ra(a.at(v,T+o))),[y,f]=[e.pairs[0],nn(e.pairs,v=>v.match.value)],b=(v,T)=>({row:c.indexOf(v.sender),col:u.indexOf(v.receiver),label:T}),_=y===f?[b(f,"both")]:[b(y,"largest score"),b(f,"works")],w=(v,T,H)=>l`<rung-heatmap
      .label=${T} .grid=${v} .rows=${c} .cols=${u} rowName="sender" colName="receiver" .domain=${[0,H]} .marks=${_} .size=${240}
      .focusKey=${(z,re)=>`edge:${c[z]}>${u[re]}.K`}
      @cell=${()=>this.act("cell")}
    ></rung-heatmap>`,$=(v,T)=>l`<tr>
      <th scope="row">${x(`edge:${v.sender}>${v.receiver}.K`,`${v.sender} → ${v.receiver}`)} <span class="quiet">${T}</span></th>
      <td data-number="norm-${v.sender}-${v.receiver}">${g(v.norm,3)}</td>
      <td>${v.other_pairs===null?"–":g(v.other_pairs,3)}</td>
      <td data-number="match-${v.sender}-${v.receiver}">${M(v.match.value,1)}</td>
    </tr>`;return l`<div class="pair">
        <div><p class="caption"><strong>Composition score, into ${i}</strong></p>${w(p,`Composition score into ${i}`,Math.max(p.max(),e.chance))}</div>
        <div><p class="caption"><strong>Composed QK, top-1</strong></p>${w(d((v,T)=>h.get(`${c[v]}>${u[T]}`)??0),"Composed QK: tokens matched with themselves",1)}</div>
      </div>
      <div class="table-scroll" tabindex="0" role="region" aria-label="Pairs">
        <table>
          <thead><tr><th scope="col">pair, into K</th><th scope="col">score</th><th scope="col">other pairs</th><th scope="col">composed QK top-1</th></tr></thead>
          <tbody>${y===f?$(f,"largest, and works"):[$(y,"the trap: largest score"),$(f,"the pair that works")]}${e.pairs.filter(v=>v!==y&&v!==f).slice(0,4).map(v=>$(v,""))}</tbody>
        </table>
      </div>
      <p class="facts">
        Heads of random weights score <strong data-number="chance">${g(e.gaussian_mean,3)}</strong> ± ${g(e.gaussian_deviation,3)} (1/√d = ${g(e.chance,3)}). Match over ${Bo(f.match)} tokens,
        floor ${M(e.floor)}.${e.pairs_left_out?` ${e.pairs_left_out} pairs of low score were left out of the match.`:""}
        ${n==="now"&&this.prediction?this.prediction==="yes"==(y===f)?"As you said.":"Not what you said.":""}
      </p>`}question(e){let n=e.pairs[0];return`${n.sender} → ${n.receiver} has the largest score. What would you have to see before you believe that it matters?`}explain(e){let[n,s]=[e.pairs[0],nn(e.pairs,o=>o.match.value)];return n===s?l`<p>Here the largest score happens to be the pair that works. The score did not tell you that; the composed QK did: ${M(s.match.value,1)} of tokens.</p>`:l`<p>
            The score is a ratio of norms: how much of the writing lies where the reader reads. It does not ask <em>what</em> is read. ${x(`edge:${n.sender}>${n.receiver}.K`,`${n.sender} → ${n.receiver}`)}
            overlaps most (${g(n.norm)}) and matches ${M(n.match.value,1)} of tokens; ${x(`edge:${s.sender}>${s.receiver}.K`,`${s.sender} → ${s.receiver}`)} overlaps less (${g(s.norm)}) and
            matches ${M(s.match.value,1)}.
          </p>
          <p>Trained heads share directions, so most pairs lie above the random line: the other pairs of the same layers are the fairer floor. The composed QK, token by token, decides.</p>`}python(e){return`from rung import HookedTransformer
from rung.circuits.composition import composition, gaussian_composition, routed_diagonal

model = HookedTransformer.from_pretrained("${e.model}")
found = composition(model)
found.ranked()[:5], gaussian_composition(model.config.d_model, model.config.d_head, seed=${e.seed})
routed_diagonal(model, (0, 0), (1, 0)).share, routed_diagonal(model, (0, 3), (1, 3)).share`}cli(e){return`rung weights ${e.model} --kind composition`}pin(e){let n=nn(e.pairs,u=>u.match.value),s=e.pairs.filter(u=>u!==n).map(u=>u.match.value),{value:o,low:i,high:a,n:c}=n.match;return{test:"mechanism.routed_qk",title:`${n.sender} → ${n.receiver}: composed QK, top-1`,rung:4,value:o,unit:"of tokens",n:c,low:i,high:a,...s.length?{control:Math.max(...s)}:{},floor:e.floor,holds:i>=e.floor,subject:`${n.sender} → ${n.receiver}`}}};customElements.define("rung-s11-pairs",Pr);var Ra=t=>Number.isNaN(t)?0:t,Sa=[["QK on embeddings","Which token does a query look for?","Row by row: is the diagonal the largest? Only for heads that read tokens as they are."],["Composed QK","Does it look for what that head wrote?","The same, with keys as the sender writes them. It decides."],["Positional QK","Which place does a query look for?","One below the diagonal, with more than half of the attention."],["OV top-1","What comes out when it attends to a token?","Over the whole vocabulary: the token’s own logit first. It decides."],["Eigenvalue score","Does OV keep directions?","High for almost any head. It describes."],["Composition score","Can one read what the other writes?","Against random heads and the other pairs. It describes."]],Or=class extends q{constructor(){super(...arguments);this.number=11;this.heading="Weights"}body(){return l`<p>All you measured so far speaks of the inputs that you ran. Weights speak of what a head is <em>built</em> to do, whatever the input.</p>
      <p>
        Two products tell it. <code>W_Q W_Kᵀ</code> says ${V("where to look")}; <code>W_V W_O</code> says ${se("what is carried")}. Composition asks whether one head writes what another reads.
      </p>
      <div class="wide-table" tabindex="0" role="region" aria-label="Analyses of weights">
        <table>
          <thead><tr><th scope="col">Analysis</th><th scope="col">Question</th><th scope="col">How to read it</th></tr></thead>
          <tbody>${Sa.map(([e,n,s])=>l`<tr><th scope="row">${e}</th><td>${n}</td><td>${s}</td></tr>`)}</tbody>
        </table>
      </div>
      ${Y("Weights alone",[{say:l`Guess how often the copy head copies, and run.`,until:"s11-tiles:ran"},{say:l`Choose another head, 0.0 say: what does it copy, and where does it look?`,until:"s11-tiles:chose"},{say:l`Hold the two copying scores against each other.`,until:"s11-copying:ran"},{say:l`Find the trap among the pairs.`,until:"s11-pairs:ran"}])}
      <rung-s11-tiles></rung-s11-tiles>
      <rung-s11-copying></rung-s11-copying>
      <rung-s11-pairs></rung-s11-pairs>`}};customElements.define("rung-section-11",Or);var Hr=class extends q{constructor(){super(...arguments);this.number=12;this.heading="The ladder"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-12",Hr);var jr=class extends q{constructor(){super(...arguments);this.number=13;this.heading="Five checks"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-13",jr);var Lr=class extends q{constructor(){super(...arguments);this.number=14;this.heading="Notebook moves"}body(){return l`<p>This section is being built.</p>`}};customElements.define("rung-section-14",Lr);var Ea=[["#section-2","its hooks and weights, on your text",()=>!0],["#section-3","direct path and attention path",()=>!0],["#section-4","the ledger of its residual stream",t=>t.has_tokenizer],["#section-6","the board: does it predict repeated tokens?",()=>!0],["#section-7","the signatures of its heads",t=>t.n_layers>0],["#section-8","ablating, patching, and a sweep over its heads",t=>t.n_layers>0],["#section-9","attribution, and why a head attends where it does",t=>t.n_layers>0],["#section-11","QK, OV and composition",t=>t.n_layers>0],["#section-12","the full proof",t=>t.n_layers>1]],zr=class extends oe{#e=N.get("model","two-layer");#t=null;#n="";#r=null;async#s(){let r=this.#e.trim();if(this.#n=r?"":"Type the name of a model, a folder, or a GGUF file.",this.requestUpdate(),!!r)try{this.#r={step:`Loading ${r}`,done:0,total:0},this.#t=await Z("workbench.open",{model:r},{panel:"workbench",onProgress:e=>{this.#r=e,this.requestUpdate()}}),N.set({model:this.#t.model})}catch(e){if(Je(e))return;this.#n=e instanceof Error?e.message:String(e)}finally{this.#r=null,this.requestUpdate()}}render(){let r=this.#t;return l`<section aria-labelledby="workbench-heading">
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
      ${r?this.#i(r):m}
    </section>`}#i(r){return l`<h3>${r.name}</h3>
      <div class="wide-table">
        <table>
          <tbody>${r.facts.map(([e,n])=>l`<tr><th scope="row">${e}</th><td>${n}</td></tr>`)}</tbody>
        </table>
      </div>
      ${r.notes.length?l`<ul>${r.notes.map(e=>l`<li>${e}</li>`)}</ul>`:m}
      <p>The page is about ${r.name} now. Go on with:</p>
      <ul>
        ${Ea.map(([e,n,s])=>l`<li>${s(r)?l`<a href=${e}>${n}</a>`:l`<span class="quiet">${n}: this model has nothing to show there</span>`}</li>`)}
      </ul>`}};customElements.define("rung-workbench",zr);function qa(t){return t.tests.map(r=>{let e=r.checks.find(s=>s.met===!1)??r.checks.find(s=>s.floor!==null)??r.checks[0],n=Object.values(r.controls)[0];return{id:r.id,title:r.name,subject:r.subject,rung:r.rung,outcome:r.outcome,required:r.required,note:r.said,unit:r.unit,...e?{value:e.value,low:e.low,high:e.high,floor:e.floor,n:e.n}:{},...n===void 0?{}:{control:n}}})}var Ir=class extends oe{#e=null;#t=null;#n="";#r=new Set;#s=null;connectedCallback(){super.connectedCallback(),this.#s=k.subscribe(()=>this.#i()),this.#i()}disconnectedCallback(){super.disconnectedCallback(),this.#s?.()}#i(){k.proof&&this.#c(JSON.stringify(k.proof))}async#c(r){if(r!==this.#e){this.#e=r;try{this.#t=await Z("workbench.record",{text:r},{panel:"record"}),this.#n=""}catch(e){if(Je(e))return;this.#n=`${e instanceof Error?e.message:String(e)}${this.#t?" What is shown is the record before.":""}`}this.requestUpdate()}}async#a(r){let e=r.target,n=e.files?.[0];if(n){try{await k.open(await n.text()),this.#n=""}catch(s){this.#n=s instanceof Error?s.message:String(s)}e.value="",this.requestUpdate()}}render(){return l`<section aria-labelledby="record-heading">
      <h2 id="record-heading">Record</h2>
      <p>
        A record is what <code>rung prove</code> writes: the claim, the model’s weights by their hash, every number with its
        interval, floor and control. Open one and read each test behind its verdict. Outcomes are derived here from the
        numbers; a file that contradicts itself is refused, and the place is named.
      </p>
      <p>
        <label class="file">Open a record or a drawer <input type="file" accept=".json,application/json" @change=${r=>{this.#a(r)}} /></label>
      </p>
      ${this.#n?l`<p class="problem" role="alert">${this.#n}</p>`:m}
      ${this.#t?this.#h(this.#t):l`<p class="quiet">No record is open. Section 12 makes one, with its full proof.</p>`}
    </section>`}#h(r){return l`<h3>${r.claim}: ${r.circuit}</h3>
      <ul>
        ${r.roles.map(e=>l`<li><strong>${e.name}</strong> ${e.heads.join(", ")||"no head"}: ${e.job}</li>`)}
      </ul>
      <rung-ladder .measurements=${qa(r)} .verdict=${{rung:r.rung,sentence:r.sentence}} label="Tests of the record"></rung-ladder>
      <h3>Every number</h3>
      <ul class="tests">
        ${r.tests.map(e=>this.#o(e))}
      </ul>
      <h3>Where it comes from</h3>
      <div class="wide-table">
        <table>
          <tbody>
            <tr><th scope="row">Model</th><td>${r.model}</td></tr>
            <tr><th scope="row">Checkpoint, SHA-256</th><td><code class="token">${r.checkpoint}</code></td></tr>
            <tr><th scope="row">Confirmation sequences</th><td>${r.sequences}, looks at ${r.looks.join(", ")}; intervals of ${g(100*(1-2*r.alpha),1)} %</td></tr>
            <tr><th scope="row">Heads</th><td>${r.heads_found}</td></tr>
            <tr><th scope="row">Written</th><td>${r.date}</td></tr>
            <tr><th scope="row">Versions</th><td>${Object.entries(r.versions).map(([e,n])=>`${e} ${n}`).join(", ")}</td></tr>
          </tbody>
        </table>
      </div>
      <p>Execute every test again on the same weights: <code>rung verify FILE</code>.</p>`}#o(r){let e=`${r.id} ${r.subject}`,n=this.#r.has(e);return l`<li>
      <button type="button" class="link" aria-expanded=${n?"true":"false"} @click=${()=>{n?this.#r.delete(e):this.#r.add(e),this.requestUpdate()}}>${r.name} · ${r.subject}</button>
      <span class="quiet">${r.outcome}</span>
      ${n?l`<div class="table-scroll" tabindex="0" role="region" aria-label="${r.name} of ${r.subject}">
            <table>
              <thead><tr><th scope="col">number</th><th scope="col">value</th><th scope="col">interval</th><th scope="col">held against</th><th scope="col">p</th><th scope="col">n</th></tr></thead>
              <tbody>
                ${r.checks.map(s=>l`<tr>
                    <th scope="row">${s.label}</th>
                    <td>${g(s.value??NaN,3)} ${r.unit}</td>
                    <td>[${g(s.low??NaN,3)}, ${g(s.high??NaN,3)}]</td>
                    <td>${s.floor===null?"shown only":`${s.sense} ${g(s.floor,3)}: ${s.met?"met":"not met"}`}</td>
                    <td>${s.p===null?"–":g(s.p,4)}</td>
                    <td>${s.n}</td>
                  </tr>`)}
              </tbody>
            </table>
          </div>`:m}
    </li>`}};customElements.define("rung-record",Ir);var Wr=[{number:1,title:"What this is",show:()=>l`<rung-section-01></rung-section-01>`},{number:2,title:"Concrete access",show:()=>l`<rung-section-02></rung-section-02>`},{number:3,title:"Direct path, attention path",show:()=>l`<rung-section-03></rung-section-03>`},{number:4,title:"The residual stream",show:()=>l`<rung-section-04></rung-section-04>`},{number:5,title:"Skip-trigrams",show:()=>l`<rung-section-05></rung-section-05>`},{number:6,title:"The board",show:()=>l`<rung-section-06></rung-section-06>`},{number:7,title:"Signatures",show:()=>l`<rung-section-07></rung-section-07>`},{number:8,title:"Cache, hook, measure",show:()=>l`<rung-section-08></rung-section-08>`},{number:9,title:"Attribution",show:()=>l`<rung-section-09></rung-section-09>`},{number:10,title:"Route, match, copy",show:()=>l`<rung-section-10></rung-section-10>`},{number:11,title:"Weights",show:()=>l`<rung-section-11></rung-section-11>`},{number:12,title:"The ladder",show:()=>l`<rung-section-12></rung-section-12>`},{number:13,title:"Five checks",show:()=>l`<rung-section-13></rung-section-13>`},{number:14,title:"Notebook moves",show:()=>l`<rung-section-14></rung-section-14>`}];var Na=[["workbench","Workbench"],["record","Record"]],Ca=15e3,Br=class extends F{#e=null;#t="";#n=!1;#r=!1;#s="";createRenderRoot(){return this}connectedCallback(){super.connectedCallback(),fe.start();let r=()=>this.requestUpdate();fe.subscribe(r),J.subscribe(r),k.subscribe(r),N.subscribe(r),this.#i(),window.setInterval(()=>{Xn()},Ca),window.addEventListener("focus",()=>{Xn()})}async#i(){try{this.#e=await Kt(),new URLSearchParams(location.search).has("model")||N.set({model:this.#e.model}),await To()}catch(r){this.#t=r instanceof Error?r.message:String(r)}this.requestUpdate(),await this.updateComplete,location.hash&&document.getElementById(location.hash.slice(1))?.scrollIntoView()}render(){return l`<a class="skip" href="#main">To the lesson</a>
      ${this.#c()} ${this.#a()}
      <main id="main" tabindex="-1">
        ${J.status==="ok"?m:l`<p class="problem banner" role="alert">${J.status==="lost"?"The lab does not answer. What you set and pinned is kept in this page.":"The lab was restarted. Open the address that it printed last: what you set is in this page’s address, and your pins are kept."}</p>`}
        ${this.#t?l`<p class="problem" role="alert">${this.#t}</p>`:m}
        ${this.#e?l`${Wr.map(r=>r.show())}<rung-workbench id="workbench"></rung-workbench><rung-record id="record"></rung-record>`:l`<p class="loading">Loading the lab …</p>`}
      </main>
      ${this.#l()}`}#c(){let r=this.#e,e=N.get("model",r?.model??"");return l`<header class="top">
      <button type="button" class="menu-button" aria-expanded=${this.#n?"true":"false"} aria-controls="contents" @click=${()=>this.#h()}>Contents</button>
      <p class="brand"><strong>Rung</strong> <span class="quiet">see the circuit, then prove it</span></p>
      <label class="model-choice">
        <span class="quiet">Model</span>
        <select @change=${n=>N.set({model:n.target.value})}>
          ${[...new Set([...r?.models??[],e])].filter(Boolean).map(n=>l`<option value=${n} ?selected=${n===e}>${n}</option>`)}
        </select>
      </label>
      <label class="theme-choice">
        <span class="quiet">Theme</span>
        <select @change=${n=>fe.set(n.target.value)}>
          ${["system","light","dark"].map(n=>l`<option value=${n} ?selected=${n===fe.choice}>${n}</option>`)}
        </select>
      </label>
      <button type="button" class="drawer-button" aria-expanded=${this.#r?"true":"false"} aria-controls="drawer" @click=${()=>this.#o()}>
        Evidence <span class="count">${k.pins.length+(k.proof?1:0)}</span>
      </button>
    </header>`}#a(){let r=(e,n)=>l`<li><a href=${e} @click=${()=>this.#n&&this.#h()}>${n}</a></li>`;return l`<nav id="contents" class=${this.#n?"contents open":"contents"} aria-label="Contents">
      <ol>
        ${Wr.map(e=>r(`#section-${e.number}`,l`<span class="number">${e.number}</span> ${e.title}`))}
      </ol>
      <ul>
        ${Na.map(([e,n])=>r(`#${e}`,n))}
      </ul>
    </nav>`}#h(){this.#n=!this.#n,this.requestUpdate()}#o(){this.#r=!this.#r,this.requestUpdate()}#l(){let r=this.#r?k.earlier():[];return l`<aside id="drawer" class=${this.#r?"drawer open":"drawer"} aria-label="Evidence drawer" ?inert=${!this.#r}>
      <header>
        <h2>Evidence drawer</h2>
        <button type="button" class="icon" @click=${()=>this.#o()}>Close</button>
      </header>
      ${k.pins.length===0?l`<p class="quiet">Nothing is pinned yet. Pin a result under its figure, and it is kept here with its request.</p>`:l`<ul class="pins">
            ${k.pins.map(e=>l`<li>
                <p><strong>${e.title}</strong> <span class="quiet">${Tt[e.rung]}</span></p>
                <p>
                  ${g(e.value)} ${e.unit}${e.low!==void 0&&e.high!==void 0?l` <span class="quiet">[${g(e.low)}, ${g(e.high)}]</span>`:m}${e.control!==void 0?l` <span class="quiet">control ${g(e.control)}</span>`:m}${e.floor!==void 0?l` <span class="quiet">floor ${g(e.floor)}</span>`:m}
                </p>
                <p><a href="#${e.panel}">Where it was seen</a> <button type="button" class="link" aria-label="Remove ${e.title}" @click=${()=>k.remove(e.id)}>Remove</button></p>
              </li>`)}
          </ul>`}
      ${k.proof?l`<p>A proof is kept here: <a href="#record">its record</a>.</p>`:m}
      <p class="drawer-row">
        <button type="button" class="primary" @click=${()=>{this.#u(()=>k.download())}}>Download</button>
        <label class="file">Open a file <input type="file" accept=".json,application/json" @change=${e=>{this.#d(e)}} /></label>
        ${k.pins.length||k.proof?l`<button type="button" class="link" @click=${()=>k.clear()}>Empty it</button>`:m}
      </p>
      <p class="quiet">
        <code>rung lab --open FILE</code> shows a downloaded drawer again; <code>rung verify FILE</code> executes the proof in it again.
      </p>
      ${r.map(e=>l`<p class="quiet">
          ${e.pins.length} pins of an earlier run.
          <button type="button" class="link" @click=${()=>k.bringBack(e.key)}>Bring them back</button>
        </p>`)}
      <p class="status" role="status">${this.#s}</p>
    </aside>`}async#d(r){let e=r.target,n=e.files?.[0];n&&(await this.#u(async()=>k.open(await n.text())),e.value="")}async#u(r){this.#s="";try{await r()}catch(e){this.#s=e instanceof Error?e.message:String(e)}this.requestUpdate()}};customElements.define("rung-lab",Br);
